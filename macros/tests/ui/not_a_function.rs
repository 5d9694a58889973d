use kind_macros::kind_test;

#[kind_test]
struct Test;

fn main() {}
