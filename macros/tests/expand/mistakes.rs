#[kind_test(worker = 2, access = "fresh")]
#[rstest]
#[case(1)]
/// Documentation.
fn wrong<T>(#[case] number: T) -> u32 {
    1
}
