#[::core::prelude::v1::test]
fn counts() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn counts(client: Client) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "counts",
        },
        ::kind_harness::__private::Request {
            control_planes: ::core::option::Option::Some(3usize),
            workers: ::core::option::Option::Some(2usize),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Client>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(counts(injected_0).await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn config() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn config(client: Client) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "config",
        },
        ::kind_harness::__private::Request {
            config: ::core::option::Option::Some("tests/ha.yaml"),
            access: ::kind_harness::__private::Access::Exclusive,
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Client>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(config(injected_0).await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn function() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn function(client: Client) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "function",
        },
        ::kind_harness::__private::Request {
            cluster: ::core::option::Option::Some(shapes::mine),
            access: ::kind_harness::__private::Access::Read,
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(90000u64),
            ),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Client>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(function(injected_0).await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn runtime() -> ::std::process::ExitCode {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn runtime() -> ExitCode {
        ExitCode::SUCCESS
    }
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "runtime",
        },
        ::kind_harness::__private::Request {
            access: ::kind_harness::__private::Access::Shared,
            runtime: ::kind_harness::__private::Runtime::MultiThread {
                worker_threads: ::core::option::Option::Some(2usize),
            },
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(runtime().await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn threads_by_default() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn threads_by_default() {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "threads_by_default",
        },
        ::kind_harness::__private::Request {
            runtime: ::kind_harness::__private::Runtime::MultiThread {
                worker_threads: ::core::option::Option::None,
            },
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(threads_by_default().await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn one_thread() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn one_thread() {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "one_thread",
        },
        ::kind_harness::__private::Request::DEFAULT,
        move |context: ::kind_harness::TestContext| async move {
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(one_thread().await).judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn own_cluster() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn own_cluster(cluster: Cluster) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "own_cluster",
        },
        ::kind_harness::__private::Request {
            access: ::kind_harness::__private::Access::Fresh,
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Cluster>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(own_cluster(injected_0).await)
                    .judge()
            })
        },
    )
}
#[::core::prelude::v1::test]
fn prepared_cluster() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn prepared_cluster(client: Client) {}
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "prepared_cluster",
        },
        ::kind_harness::__private::Request {
            access: ::kind_harness::__private::Access::Fresh,
            prepare: ::core::option::Option::Some(::kind_harness::__private::Prepare {
                name: || ::core::any::type_name_of_val(&operator::install),
                inputs: &["deploy/crds.yaml", "charts"],
                run: |cluster| ::std::boxed::Box::pin(async move {
                    use ::kind_harness::__private::Judge as _;
                    ::kind_harness::__private::Returned(operator::install(cluster).await)
                        .judge()
                }),
            }),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Client>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(prepared_cluster(injected_0).await)
                    .judge()
            })
        },
    )
}
