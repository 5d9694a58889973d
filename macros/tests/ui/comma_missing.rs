use kind_macros::kind_test;

#[kind_test(workers = 1 access = "read", time = "2m")]
async fn test() {}

fn main() {}
