//! Mistakes in the use of the attribute, one a file: what the compiler prints stands beside it.

#[test]
fn mistakes_are_reported_on_the_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
