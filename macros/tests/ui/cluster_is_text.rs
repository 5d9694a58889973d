use kind_macros::kind_test;

#[kind_test(cluster = "shape")]
async fn test() {}

fn main() {}
