use kind_macros::kind_test;

#[kind_test(tokio(worker_threads = 2))]
async fn test() {}

fn main() {}
