//! How long tests wait for a cluster that is there, while many queue up for it.
//!
//! To attach is what the harness does between its entry and the lease in hand. Processes are started as nextest does it,
//! so many at a time; what the operating system needs to start one is shown beside.

use super::{
    spawn::{self, Scene},
    table,
};

/// Measures so many processes, so many at a time.
pub(crate) async fn measure(scene: &Scene, queued: usize, at_once: usize) -> anyhow::Result<()> {
    let (leases, _) = spawn::all(queued, at_once, || scene.lease("lease")).await?;
    println!("{}", table::head(&format!("{queued} processes, {at_once} at a time (milliseconds)")));
    let times = |words| leases.iter().map(|said| said.time(words)).collect::<anyhow::Result<Vec<_>>>();
    let after = |words| leases.iter().map(|said| said.after_start(words)).collect::<anyhow::Result<Vec<_>>>();
    println!("{}", table::row("attach: entry to lease", &times("attached ")?));
    println!("{}", table::row("start of the process to entry", &after("entered ")?));
    println!("{}", table::row("give back", &times("returned ")?));
    for (test, name) in
        [("without_namespace", "start of the process to body"), ("with_namespace", "the same, with a namespace")]
    {
        let (bodies, _) = spawn::all(queued, at_once, || scene.test(test)).await?;
        let times = bodies.iter().map(|said| said.after_start("body starts ")).collect::<anyhow::Result<Vec<_>>>()?;
        println!("{}", table::row(name, &times));
    }
    Ok(())
}
