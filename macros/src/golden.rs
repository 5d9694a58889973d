//! Compares expansions with the files in `tests/expand`: `NAME.rs` is the input, `NAME.expanded.rs` the output.

use std::{fs, path::Path};

use syn::{Item, Meta};

/// Expands the file's functions and compares the whole text.
fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let input = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
    let mut file = syn::parse_file(&input).unwrap();
    let items = file.items.iter().map(|item| {
        let Item::Fn(mut function) = item.clone() else { panic!("{name}.rs holds functions only") };
        let ours = function.attrs.iter().position(|attribute| attribute.path().is_ident("kind_test")).unwrap();
        let arguments = match function.attrs.remove(ours).meta {
            Meta::List(list) => list.tokens,
            _ => proc_macro2::TokenStream::new(),
        };
        crate::attribute::attribute(arguments, quote::ToTokens::into_token_stream(function))
    });
    file = syn::parse2(items.collect()).unwrap();
    kind_testkit::assert_golden(folder.join(format!("{name}.expanded.rs")), &prettyplease::unparse(&file));
}

#[test]
fn injection() {
    check("injection");
}

#[test]
fn arguments() {
    check("arguments");
}

#[test]
fn forwarded_attributes() {
    check("forwarded_attributes");
}

#[test]
fn rstest() {
    check("rstest");
}

#[test]
fn mistakes_keep_the_function() {
    check("mistakes");
}
