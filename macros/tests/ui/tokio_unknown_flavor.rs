use kind_macros::kind_test;

#[kind_test(tokio(flavor = "multithread"))]
async fn test() {}

fn main() {}
