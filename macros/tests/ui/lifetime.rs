use kind_macros::kind_test;

#[kind_test]
async fn test(_name: &'static str) {}

fn main() {}
