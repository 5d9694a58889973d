#[kind_test]
async fn nothing() {}

#[kind_test]
async fn by_value_and_reference(
    client: kube::Client,
    namespace: &TestNamespace,
    mut cluster: Cluster,
    context: &mut TestContext,
) -> anyhow::Result<()> {
    cluster.touch();
    Ok(())
}
