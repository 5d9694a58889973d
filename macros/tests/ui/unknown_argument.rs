use kind_macros::kind_test;

#[kind_test(worker = 2)]
async fn test() {}

fn main() {}
