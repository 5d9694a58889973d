//! What `kind-bench share` runs: a process that takes a lease, says how long that took, and gives it back.

use std::{
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use kind_core::{
    access::Access,
    settings::Settings,
    spec::ClusterSpec,
    wait::{Check, until_every},
};
use kind_lease::{Holder, Outcome, acquire};

fn main() -> ExitCode {
    let (entered, since) = (SystemTime::now(), Instant::now());
    let settings = Settings::from_environment().expect("settings");
    let mode = std::env::args().nth(1).expect("what to do");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let holder = Holder { test: format!("bench::{mode}") };
        let lease = acquire(&settings, &ClusterSpec::single_node(), Access::Shared, &holder).await.expect("a lease");
        let attached = since.elapsed();
        match mode.as_str() {
            "kubeconfig" => print!("{}", lease.record().kubeconfig),
            "hold" => stay(u64::from(std::process::id()) * 7919 % 1500).await,
            _ => {}
        }
        let before = Instant::now();
        lease.release(Outcome::Passed).await;
        if mode == "lease" {
            let entered = entered.duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
            println!("entered {}", entered.as_nanos());
            println!("attached {}", attached.as_nanos());
            println!("returned {}", before.elapsed().as_nanos());
        }
    });
    ExitCode::SUCCESS
}

async fn stay(milliseconds: u64) {
    let stayed = until_every(Duration::from_millis(10), "time", Duration::from_millis(milliseconds), async || {
        Check::<()>::not_yet("it passes")
    });
    stayed.await.expect_err("nothing holds");
}
