use kind_macros::kind_test;

#[kind_test(config = "tests/ha.yaml", cluster = shape)]
async fn test() {}

fn main() {}
