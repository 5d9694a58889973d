use kind_macros::kind_test;

#[kind_test]
async fn test(_value: impl Copy) {}

fn main() {}
