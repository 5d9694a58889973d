::core::compile_error! {
    "unknown argument `worker`: expected `control_planes`, `workers`, `config`, `cluster`, `access`, `prepare`, `inputs`, `timeout` or `tokio`; did you mean `workers`?"
}
::core::compile_error! {
    "`access` is not `new`: expected `shared`, `exclusive`, `read` or `fresh`"
}
::core::compile_error! {
    "`inputs` expects texts in brackets, such as `inputs = [\"deploy/crds.yaml\"]`"
}
::core::compile_error! {
    "`prepare` needs `access = \"fresh\"` beside it: a shared cluster is prepared by its tests"
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
