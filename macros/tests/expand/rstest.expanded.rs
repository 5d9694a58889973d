#[rstest]
#[case::one(1)]
#[case::three(3)]
fn matrix(
    #[case]
    replicas: u32,
    #[values("a", "b")]
    name: &str,
) -> ::std::process::ExitCode {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn matrix(
        mut replicas: u32,
        client: Client,
        name: &str,
        ns: &TestNamespace,
    ) -> Result<(), Error> {
        Ok(())
    }
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "matrix",
        },
        ::kind_harness::__private::Request {
            workers: ::core::option::Option::Some(2usize),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_1 = context.get::<Client>().await?;
            let injected_3 = context.get::<TestNamespace>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(
                        matrix(replicas, injected_1, name, &injected_3).await,
                    )
                    .judge()
            })
        },
    )
}
#[rstest]
#[should_panic]
fn fixtures(
    #[from(database)]
    #[with(3)]
    database: Database,
    #[future]
    later: u32,
    #[future]
    now: u32,
) {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn fixtures(
        database: Database,
        later: impl ::core::future::Future<Output = u32>,
        now: u32,
        context: TestContext,
    ) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "fixtures",
        },
        ::kind_harness::__private::Request {
            should_panic: ::core::option::Option::Some(""),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_3 = context.get::<TestContext>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(
                        fixtures(database, later, now.await, injected_3).await,
                    )
                    .judge()
            })
        },
    )
}
#[rstest]
fn all_awaited(#[case] #[future] now: u32) {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn all_awaited(now: u32) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "all_awaited",
        },
        ::kind_harness::__private::Request::DEFAULT,
        move |context: ::kind_harness::TestContext| async move {
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(all_awaited(now.await).await).judge()
            })
        },
    )
}
