use kind_macros::kind_test;

#[kind_test(workers = "two")]
async fn test() {}

fn main() {}
