use kind_macros::kind_test;

#[kind_test(control_planes = 3, config = "tests/ha.yaml", workers = 1)]
async fn test() {}

fn main() {}
