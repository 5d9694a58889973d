//! The attribute `#[kind_test]`: parse, check, and expand to one call into `kind-harness`.
//!
//! No behaviour lives here, and no documentation for users: it stands on the re-export in `kind-harness`, whose
//! examples are compiled.

mod args;
mod attribute;
mod expand;
#[cfg(test)]
mod golden;
mod items;
mod mistakes;
mod signature;
mod values;

/// Marks an async function as a test on a real Kubernetes cluster; see `kind_harness::kind_test`.
#[proc_macro_attribute]
pub fn kind_test(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    attribute::attribute(arguments.into(), item.into()).into()
}
