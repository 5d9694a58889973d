use kind_macros::kind_test;

#[kind_test(workers = -1)]
async fn test() {}

fn main() {}
