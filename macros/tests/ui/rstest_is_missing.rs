use kind_macros::kind_test;

#[kind_test]
async fn test(#[case] _number: u8) {}

fn main() {}
