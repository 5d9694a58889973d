use kind_macros::kind_test;

#[kind_test(config)]
async fn test() {}

fn main() {}
