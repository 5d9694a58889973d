use kind_macros::kind_test;

#[kind_test(control_plane = 0, acces = "read", timeout = "0s")]
fn test<T>(_value: T) {}

fn main() {}
