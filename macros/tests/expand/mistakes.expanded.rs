::core::compile_error! {
    "unknown argument `worker`: expected `control_planes`, `workers`, `config`, `cluster`, `access`, `timeout` or `tokio`; did you mean `workers`?"
}
::core::compile_error! {
    "`access = \"fresh\"` is not offered yet: expected `shared`, `exclusive` or `read`"
}
::core::compile_error! {
    "a `#[kind_test]` is an `async fn`; add `async`"
}
::core::compile_error! {
    "a test has no generic parameters: nobody would choose them"
}
#[allow(dead_code, unused)]
/// Documentation.
fn wrong<T>(number: T) -> u32 {
    1
}
