use kind_macros::kind_test;

#[kind_test]
async fn test<T>(_value: T) {}

fn main() {}
