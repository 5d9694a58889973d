/// What it shows.
#[kind_test]
#[ignore = "too slow"]
#[should_panic(expected = "boom")]
#[cfg(unix)]
#[allow(unused_variables)]
pub(crate) async fn forwarded(#[allow(unused)] client: Client) {
    panic!("boom");
}
