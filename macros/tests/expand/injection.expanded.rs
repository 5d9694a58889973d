#[::core::prelude::v1::test]
fn nothing() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn nothing() {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "nothing",
        },
        ::kind_harness::__private::Request::DEFAULT,
        move |context: ::kind_harness::TestContext| async move {
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(nothing().await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn by_value_and_reference() -> ::std::process::ExitCode {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn by_value_and_reference(
        client: kube::Client,
        namespace: &TestNamespace,
        mut cluster: Cluster,
        context: &mut TestContext,
    ) -> anyhow::Result<()> {
        cluster.touch();
        Ok(())
    }
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "by_value_and_reference",
        },
        ::kind_harness::__private::Request::DEFAULT,
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<kube::Client>().await?;
            let injected_1 = context.get::<TestNamespace>().await?;
            let injected_2 = context.get::<Cluster>().await?;
            let mut injected_3 = context.get::<TestContext>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(
                        by_value_and_reference(
                                injected_0,
                                &injected_1,
                                injected_2,
                                &mut injected_3,
                            )
                            .await,
                    )
                    .judge()
            })
        },
    )
}
