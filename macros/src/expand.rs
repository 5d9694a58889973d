//! The expansion: the user's function inside a synchronous one that makes one call into the harness.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, FnArg, Ident, ItemFn, PatType, ReturnType, Signature, parse_quote, spanned::Spanned};

use crate::{
    args::{Args, Runtime},
    signature::{Await, Parameter, Test, is_awt, is_future, is_lint},
};

/// The whole test.
pub(crate) fn test(args: &Args, test: &Test) -> TokenStream {
    let ItemFn { attrs, vis, sig, block } = test.function;
    let attributes = attrs.iter().filter(|attribute| !is_awt(attribute));
    let make_test = (!test.rstest).then(|| quote! { #[::core::prelude::v1::test] });
    let name = &sig.ident;
    let outer = test.parameters.iter().filter_map(of_rstest);
    let output = (!test.returns_unit()).then(|| quote! { -> ::std::process::ExitCode });
    let inner = inner_signature(sig, test);
    let (meta, request, call) = (meta(name), request(args, test), call(name, test));
    quote! {
        #(#attributes)*
        #make_test
        #vis fn #name(#(#outer),*) #output {
            #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::unused_async)]
            #inner #block
            ::kind_harness::__private::run(#meta, #request, #call)
        }
    }
}

/// The function as it was, without what only makes sense in a test, so that the editor still knows its types.
pub(crate) fn for_the_editor(mut function: ItemFn) -> TokenStream {
    let kept =
        |attribute: &Attribute| is_lint(attribute) || ["cfg", "doc"].iter().any(|it| attribute.path().is_ident(it));
    function.attrs.retain(kept);
    for input in &mut function.sig.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(syn::Receiver { attrs, .. })) = input;
        attrs.retain(is_lint);
    }
    quote! {
        #[allow(dead_code, unused)]
        #function
    }
}

/// A parameter that the outer function keeps for rstest.
fn of_rstest(parameter: &Parameter) -> Option<TokenStream> {
    let Parameter::Rstest { parameter: PatType { attrs, ty, .. }, name, .. } = parameter else { return None };
    let attributes = attrs.iter().map(|attribute| {
        // Who awaits it is decided here, not by rstest: its test is not async.
        if is_future(attribute) { parse_quote!(#[future]) } else { attribute.clone() }
    });
    Some(quote! { #(#attributes)* #name: #ty })
}

/// The user's signature with parameters as the body sees them.
fn inner_signature(signature: &Signature, test: &Test) -> Signature {
    let mut inner = signature.clone();
    for (input, parameter) in inner.inputs.iter_mut().zip(&test.parameters) {
        let FnArg::Typed(input) = input else { continue };
        input.attrs.retain(is_lint);
        if let Parameter::Rstest { future: Some(Await::Body), .. } = parameter {
            let ty = &input.ty;
            *input.ty = parse_quote!(impl ::core::future::Future<Output = #ty>);
        }
    }
    inner
}

/// Where the test stands.
fn meta(name: &Ident) -> TokenStream {
    let name = name.to_string();
    quote! {
        ::kind_harness::__private::TestMeta {
            package: ::core::env!("CARGO_PKG_NAME"),
            manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            module: ::core::module_path!(),
            name: #name,
        }
    }
}

/// What the attribute asks for, as plain data.
fn request(args: &Args, test: &Test) -> TokenStream {
    let Args { control_planes, workers, config, cluster, access, prepare, inputs, timeout, runtime } = args;
    let count = |count: &usize| quote! { ::core::option::Option::Some(#count) };
    let counts = [("control_planes", control_planes), ("workers", workers)].into_iter().filter_map(|(name, number)| {
        let (name, number) = (format_ident!("{name}"), count(number.as_ref()?));
        Some(quote! { #name: #number, })
    });
    let config = config.iter().map(|file| quote! { config: ::core::option::Option::Some(#file), });
    let cluster = cluster.iter().map(|function| quote! { cluster: ::core::option::Option::Some(#function), });
    let access = access.iter().map(|access| {
        let access = format_ident!("{}{}", access[..1].to_uppercase(), &access[1..]);
        quote! { access: ::kind_harness::__private::Access::#access, }
    });
    let prepare = prepare.iter().map(|function| {
        quote! {
            prepare: ::core::option::Option::Some(::kind_harness::__private::Prepare {
                name: || ::core::any::type_name_of_val(&#function),
                inputs: &[#(#inputs),*],
                run: |cluster| ::std::boxed::Box::pin(async move {
                    use ::kind_harness::__private::Judge as _;
                    ::kind_harness::__private::Returned(#function(cluster).await).judge()
                }),
            }),
        }
    });
    let timeout = timeout.iter().map(|timeout| {
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        quote! { timeout: ::core::option::Option::Some(::core::time::Duration::from_millis(#milliseconds)), }
    });
    let runtime = match runtime {
        Runtime::CurrentThread => None,
        Runtime::MultiThread { worker_threads } => {
            let threads = worker_threads.as_ref().map_or_else(|| quote! { ::core::option::Option::None }, count);
            Some(quote! { runtime: ::kind_harness::__private::Runtime::MultiThread { worker_threads: #threads }, })
        }
    };
    let should_panic = test.should_panic.iter().map(|text| {
        quote! { should_panic: ::core::option::Option::Some(#text), }
    });
    let fields: TokenStream = counts
        .chain(config)
        .chain(cluster)
        .chain(access)
        .chain(prepare)
        .chain(timeout)
        .chain(runtime)
        .chain(should_panic)
        .collect();
    if fields.is_empty() {
        quote! { ::kind_harness::__private::Request::DEFAULT }
    } else {
        quote! { ::kind_harness::__private::Request { #fields ..::kind_harness::__private::Request::DEFAULT } }
    }
}

/// The closure that has everything made that the test takes, and gives the body's future. Each type is asked for at its
/// own place in the source, so that the compiler complains there.
fn call(name: &Ident, test: &Test) -> TokenStream {
    let (mut injections, mut arguments) = (Vec::new(), Vec::new());
    let context = Ident::new("context", Span::mixed_site());
    for (index, parameter) in test.parameters.iter().enumerate() {
        match parameter {
            Parameter::Injected { ty, reference } => {
                let binding = Ident::new(&format!("injected_{index}"), Span::mixed_site());
                let mutable = reference.and_then(|reference| reference.mutability);
                arguments.push(reference.map_or_else(|| quote! { #binding }, |_| quote! { &#mutable #binding }));
                let get = quote_spanned! { at(ty) => get::<#ty> };
                injections.push(quote! { let #mutable #binding = #context.#get().await?; });
            }
            Parameter::Rstest { name, future: Some(Await::Before), .. } => arguments.push(quote! { #name.await }),
            Parameter::Rstest { name, .. } => arguments.push(quote! { #name }),
        }
    }
    let place = match &test.function.sig.output {
        ReturnType::Type(_, ty) => at(ty),
        ReturnType::Default => Span::mixed_site(),
    };
    let judge = quote_spanned! { place => judge };
    quote! {
        move |#context: ::kind_harness::TestContext| async move {
            #(#injections)*
            ::core::result::Result::Ok::<_, ::kind_harness::FixtureError>(async move {
                use ::kind_harness::__private::Judge as _;
                ::kind_harness::__private::Returned(#name(#(#arguments),*).await).#judge()
            })
        }
    }
}

/// The place of these tokens, with names that nobody else sees.
fn at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}
