//! How many clusters of a state folder come up at once: as many as the engine's processors carry, and the others wait for
//! their turn, so that a crowd of them is made one after the other and none runs out of its time.

use std::{
    io,
    time::{Duration, Instant},
};

use kind_core::wait::{self, Check};

use super::{
    folder::{Home, create_private},
    lock::LockFile,
};

/// How often a place is looked for.
const EVERY: Duration = Duration::from_millis(50);
/// Processors that one bring-up keeps busy.
const PROCESSORS: usize = 2;

/// Waits for a place, which is given back with the lock. `told` hears that others have all of them.
pub(super) async fn enter(home: &Home, processors: usize, told: impl Fn(String)) -> io::Result<LockFile> {
    let folder = home.gate();
    create_private(&folder)?;
    let places = processors.div_ceil(PROCESSORS).max(1);
    let places = (0..places).map(|place| LockFile::open(&folder.join(format!("{place}.lock"))));
    let mut places = places.collect::<io::Result<Vec<_>>>()?;
    let (count, start) = (places.len(), Instant::now());
    let free = wait::until_or(EVERY, "a turn to come up", Duration::MAX, async || {
        for (place, lock) in places.iter().enumerate() {
            if lock.try_exclusive()? {
                return Ok::<_, io::Error>(Check::Done(place));
            }
        }
        // The minutes tell those who wait for it that something goes on.
        let minutes = start.elapsed().as_secs() / 60;
        let others =
            if count == 1 { "another cluster comes".to_owned() } else { format!("{count} other clusters come") };
        let status = format!("{others} up first, for {minutes} min");
        told(status.clone());
        Ok(Check::NotYet(status))
    });
    let free = free.await?.map_err(io::Error::other)?;
    Ok(places.swap_remove(free))
}
