use kind_macros::kind_test;

#[kind_test]
#[rstest]
async fn test(#[case] (_left, _right): (u8, u8)) {}

fn main() {}
