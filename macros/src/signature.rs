//! Checks the function under the attribute and sorts its parameters: ours to inject, or rstest's.

use quote::ToTokens as _;
use syn::{
    Attribute, FnArg, Ident, ItemFn, LitStr, Meta, Pat, PatType, ReturnType, Token, Type, TypeReference,
    spanned::Spanned as _,
};

use crate::mistakes::Mistakes;

/// Attributes that a parameter of ours may carry.
const LINTS: [&str; 5] = ["allow", "expect", "warn", "deny", "forbid"];

/// A function that can become a test.
pub(crate) struct Test<'a> {
    /// As it was written.
    pub(crate) function: &'a ItemFn,
    /// `#[rstest]` stands below and makes the tests.
    pub(crate) rstest: bool,
    /// It is to panic with this text.
    pub(crate) should_panic: Option<String>,
    /// In the order of the signature.
    pub(crate) parameters: Vec<Parameter<'a>>,
}

/// One parameter.
pub(crate) enum Parameter<'a> {
    /// Injected by its type.
    Injected {
        /// The type without a reference in front.
        ty: &'a Type,
        /// The function wants a reference to it: `&` or `&mut`.
        reference: Option<&'a TypeReference>,
    },
    /// rstest provides it.
    Rstest {
        /// As it was written, with its attributes.
        parameter: &'a PatType,
        /// Its name.
        name: &'a Ident,
        /// It is a future, which either the body awaits or the test before the body.
        future: Option<Await>,
    },
}

/// Who awaits a parameter that is a future.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Await {
    /// The test's body.
    Body,
    /// The expansion, as `#[awt]` asks.
    Before,
}

impl<'a> Test<'a> {
    /// Checks everything that can be seen in the function's own tokens.
    pub(crate) fn check(function: &'a ItemFn, mistakes: &mut Mistakes) -> Self {
        check_attributes(function, mistakes);
        check_signature(function, mistakes);
        let rstest = function.attrs.iter().any(|attribute| last_word(attribute) == "rstest");
        let awaited = function.attrs.iter().any(is_awt);
        let parameters = function.sig.inputs.iter();
        let parameters = parameters.filter_map(|input| parameter(input, rstest, awaited, mistakes)).collect();
        Self { function, rstest, should_panic: should_panic(function), parameters }
    }

    /// Whether the function returns nothing.
    pub(crate) fn returns_unit(&self) -> bool {
        match &self.function.sig.output {
            ReturnType::Default => true,
            ReturnType::Type(_, ty) => matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()),
        }
    }
}

/// The text that `#[should_panic]` expects, empty where any panic does. Below a `#[case]` it belongs to that case only, and
/// the other cases share the expansion, so there it is not seen.
fn should_panic(function: &ItemFn) -> Option<String> {
    let attributes = function.attrs.iter();
    let of_all = attributes.take_while(|attribute| last_word(attribute) != "case");
    let attribute = of_all.into_iter().find(|attribute| attribute.path().is_ident("should_panic"))?;
    let mut expected = None;
    // A malformed one is the compiler's to report.
    let _ = match &attribute.meta {
        Meta::Path(_) => Ok(()),
        Meta::NameValue(pair) => syn::parse2(pair.value.to_token_stream()).map(|text: LitStr| expected = Some(text)),
        Meta::List(list) => list.parse_nested_meta(|meta| {
            expected = Some(meta.value()?.parse()?);
            Ok(())
        }),
    };
    Some(expected.map(|text| text.value()).unwrap_or_default())
}

/// `#[awt]`: every future is awaited before the body.
pub(crate) fn is_awt(attribute: &Attribute) -> bool {
    attribute.path().is_ident("awt")
}

/// `#[future]` and `#[future(awt)]`.
pub(crate) fn is_future(attribute: &Attribute) -> bool {
    attribute.path().is_ident("future")
}

/// Attributes that mean something to the compiler on any parameter.
pub(crate) fn is_lint(attribute: &Attribute) -> bool {
    LINTS.iter().any(|lint| attribute.path().is_ident(lint))
}

/// The last segment of the attribute's path.
fn last_word(attribute: &Attribute) -> String {
    attribute.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

fn check_attributes(function: &ItemFn, mistakes: &mut Mistakes) {
    for attribute in &function.attrs {
        match last_word(attribute).as_str() {
            "test" => mistakes.on(attribute, "`#[kind_test]` already makes the function a test; remove this"),
            "kind_test" => mistakes.on(attribute, "`#[kind_test]` is given twice; keep one of them"),
            _ => {}
        }
    }
}

fn check_signature(function: &ItemFn, mistakes: &mut Mistakes) {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        let hint = if function.attrs.iter().any(|attribute| last_word(attribute) == "rstest") {
            ""
        } else {
            " (with rstest, `#[kind_test]` stands above `#[rstest]`)"
        };
        mistakes.on(&signature.fn_token, format!("a `#[kind_test]` is an `async fn`; add `async`{hint}"));
    }
    if let Some(token) = &signature.constness {
        mistakes.on(token, "a test is not `const`");
    }
    if let Some(token) = &signature.unsafety {
        mistakes.on(token, "a test is not `unsafe`; put the block that needs it into the body");
    }
    if let Some(token) = &signature.abi {
        mistakes.on(token, "a test has no `extern` ABI");
    }
    if !signature.generics.params.is_empty() {
        mistakes.on(&signature.generics, "a test has no generic parameters: nobody would choose them");
    }
    if let Some(clause) = &signature.generics.where_clause {
        mistakes.on(clause, "a test has no `where` clause");
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.on(variadic, "a test has no variable arguments");
    }
}

fn parameter<'a>(input: &'a FnArg, rstest: bool, awaited: bool, mistakes: &mut Mistakes) -> Option<Parameter<'a>> {
    let parameter = match input {
        FnArg::Typed(parameter) => parameter,
        FnArg::Receiver(receiver) => {
            mistakes.on(receiver, "a test is a free function, without `self`");
            return None;
        }
    };
    match parameter.attrs.iter().find(|attribute| !is_lint(attribute)) {
        Some(_) if rstest => of_rstest(parameter, awaited, mistakes),
        Some(attribute) => {
            let message = "an attribute of a parameter belongs to rstest; add `#[rstest]` below `#[kind_test]`";
            mistakes.on(attribute, message);
            None
        }
        None => injected(&parameter.ty, mistakes),
    }
}

fn of_rstest<'a>(parameter: &'a PatType, awaited: bool, mistakes: &mut Mistakes) -> Option<Parameter<'a>> {
    let Pat::Ident(pattern) = &*parameter.pat else {
        mistakes.on(&parameter.pat, "a parameter of rstest needs a plain name; take it apart in the body");
        return None;
    };
    let future = parameter.attrs.iter().find(|attribute| is_future(attribute)).map(|attribute| match &attribute.meta {
        Meta::Path(_) if !awaited => Await::Body,
        _ => Await::Before,
    });
    Some(Parameter::Rstest { parameter, name: &pattern.ident, future })
}

fn injected<'a>(ty: &'a Type, mistakes: &mut Mistakes) -> Option<Parameter<'a>> {
    match ty {
        Type::Reference(reference) => {
            if let Some(lifetime) = &reference.lifetime {
                mistakes.on(lifetime, "what is injected lives as long as the test; remove the lifetime");
            }
            Some(Parameter::Injected { ty: &reference.elem, reference: Some(reference) })
        }
        Type::ImplTrait(ty) => {
            let token = Token![impl](ty.span());
            mistakes.on(&token, "arguments are injected by type, so the type has to be named, not an `impl`");
            None
        }
        ty => Some(Parameter::Injected { ty, reference: None }),
    }
}
