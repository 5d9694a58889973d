use kind_macros::kind_test;

#[kind_test]
#[tokio::test]
async fn test() {}

fn main() {}
