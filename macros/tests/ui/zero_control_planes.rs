use kind_macros::kind_test;

#[kind_test(control_planes = 0)]
async fn test() {}

fn main() {}
