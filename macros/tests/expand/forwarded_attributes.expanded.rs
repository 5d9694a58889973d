/// What it shows.
#[ignore = "too slow"]
#[should_panic(expected = "boom")]
#[cfg(unix)]
#[allow(unused_variables)]
#[::core::prelude::v1::test]
pub(crate) fn forwarded() {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn forwarded(#[allow(unused)] client: Client) {
        panic!("boom");
    }
    ::kind_harness::__private::run(
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: "forwarded",
        },
        ::kind_harness::__private::Request {
            should_panic: ::core::option::Option::Some("boom"),
            ..::kind_harness::__private::Request::DEFAULT
        },
        move |context: ::kind_harness::TestContext| async move {
            let injected_0 = context.get::<Client>().await?;
            ::core::result::Result::Ok::<
                _,
                ::kind_harness::FixtureError,
            >(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(forwarded(injected_0).await).judge()
            })
        },
    )
}
