//! What `kind-bench attach` runs: tests that say when their body starts, and nothing else.

use std::time::SystemTime;

use kind_harness::{Cluster, TestNamespace, kind_test};

fn say_now() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
    println!("\nbody starts {}", now.as_nanos());
}

#[kind_test(access = "read")]
async fn without_namespace(cluster: Cluster) {
    drop(cluster);
    say_now();
}

#[kind_test]
async fn with_namespace(cluster: Cluster, ns: TestNamespace) {
    drop((cluster, ns));
    say_now();
}
