#[kind_test(control_planes = 3, workers = 2)]
async fn counts(client: Client) {}

#[kind_test(config = "tests/ha.yaml", access = "exclusive")]
async fn config(client: Client) {}

#[kind_test(cluster = shapes::mine, access = "read", timeout = "1m30s")]
async fn function(client: Client) {}

#[kind_test(tokio(flavor = "multi_thread", worker_threads = 2), access = "shared",)]
async fn runtime() -> ExitCode {
    ExitCode::SUCCESS
}

#[kind_test(tokio(flavor = "multi_thread"))]
async fn threads_by_default() {}

#[kind_test(tokio(flavor = "current_thread"))]
async fn one_thread() {}

#[kind_test(access = "fresh")]
async fn own_cluster(cluster: Cluster) {}

#[kind_test(access = "fresh", prepare = operator::install, inputs = ["deploy/crds.yaml", "charts"])]
async fn prepared_cluster(client: Client) {}
