use kind_macros::kind_test;

#[kind_test]
async fn test() where u8: Copy {}

fn main() {}
