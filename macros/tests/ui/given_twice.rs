use kind_macros::kind_test;

#[kind_test(workers = 1, workers = 2)]
async fn test() {}

fn main() {}
