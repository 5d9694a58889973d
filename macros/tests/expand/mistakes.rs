#[kind_test(worker = 2, access = "new", prepare = install, inputs = [1])]
#[rstest]
#[case(1)]
/// Documentation.
fn wrong<T>(#[case] number: T) -> u32 {
    1
}
