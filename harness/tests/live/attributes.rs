//! Other attributes beside `#[kind_test]`.

use kind_harness::{TestContext, TestNamespace, kind_test};
use rstest::{fixture, rstest};

use crate::small;

#[fixture]
fn greeting() -> String {
    "hello".to_owned()
}

#[kind_test(cluster = small)]
#[rstest]
#[case::one(1, "1")]
#[case::two(2, "2")]
async fn a_matrix(
    #[case] number: u32,
    context: TestContext,
    #[case] text: &str,
    #[from(greeting)] greeting: String,
    #[future(awt)]
    #[from(later)]
    later: u32,
    ns: &TestNamespace,
) -> Result<(), std::num::ParseIntError> {
    assert_eq!(text.parse::<u32>()?, number);
    assert_eq!((greeting.as_str(), later), ("hello", 7));
    assert!(context.test_name().contains(&format!("a_matrix::case_{number}")), "{}", context.test_name());
    assert!(ns.starts_with("attributes-a-matrix-case-"), "{ns}");
    Ok(())
}

#[fixture]
async fn later() -> u32 {
    7
}

#[kind_test(cluster = small)]
#[should_panic(expected = "as announced")]
async fn an_expected_panic(_ns: TestNamespace) {
    panic!("as announced");
}

#[kind_test(cluster = small, access = "read", tokio(flavor = "multi_thread", worker_threads = 2))]
async fn a_runtime_with_threads() {
    let runtime = tokio::runtime::Handle::current();
    assert_eq!(runtime.metrics().num_workers(), 2);
}
