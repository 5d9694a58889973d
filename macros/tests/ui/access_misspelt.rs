use kind_macros::kind_test;

#[kind_test(access = "exlusive")]
async fn test() {}

fn main() {}
