use kind_macros::kind_test;

#[kind_test(access = "fresh")]
async fn test() {}

fn main() {}
