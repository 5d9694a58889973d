//! A test runner that can be killed: `kind-bench run-tests` starts tests so many at a time, and does not mind how they end.

use std::process::Stdio;

use futures::{StreamExt as _, stream};
use tokio::process::Command;

use crate::args::RunTestsArgs;

/// Runs tests until all have ended.
pub async fn run(arguments: RunTestsArgs) {
    let RunTestsArgs { program, run, count, at_once } = arguments;
    let test = async |_| {
        let mut command = Command::new(&program);
        command.arg("hold").env("NEXTEST_RUN_ID", &run).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // One that is killed is one that ends.
        let _ = command.status().await;
    };
    stream::iter(0..count).map(test).buffer_unordered(at_once).collect::<()>().await;
}
