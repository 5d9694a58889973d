use kind_macros::kind_test;

#[kind_test]
fn test() {}

fn main() {}
