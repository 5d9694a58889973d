use kind_macros::kind_test;

#[kind_test(timeout = "120")]
async fn test() {}

fn main() {}
