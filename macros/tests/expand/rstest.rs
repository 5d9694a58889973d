#[kind_test(workers = 2)]
#[rstest]
#[case::one(1)]
#[case::three(3)]
async fn matrix(#[case] mut replicas: u32, client: Client, #[values("a", "b")] name: &str, ns: &TestNamespace) -> Result<(), Error> {
    Ok(())
}

#[kind_test]
#[rstest]
#[should_panic]
async fn fixtures(
    #[from(database)] #[with(3)] database: Database,
    #[future] later: u32,
    #[future(awt)] now: u32,
    context: TestContext,
) {
}

#[kind_test]
#[rstest]
#[awt]
async fn all_awaited(#[case] #[future] now: u32) {}
