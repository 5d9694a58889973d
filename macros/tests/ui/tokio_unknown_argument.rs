use kind_macros::kind_test;

#[kind_test(tokio(flavour = "multi_thread"))]
async fn test() {}

fn main() {}
