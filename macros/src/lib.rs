//! The attribute `#[kind_test]`: parse, check, and expand to one call into `kind-harness`.
//!
//! No behaviour lives here, and no documentation for users: it stands on the re-export in `kind-harness`, whose
//! examples are compiled.

mod args;
mod expand;
#[cfg(test)]
mod golden;
mod items;
mod mistakes;
mod signature;
mod values;

use proc_macro2::TokenStream;
use syn::ItemFn;

use crate::{args::Args, mistakes::Mistakes, signature::Test};

/// Marks an async function as a test on a real Kubernetes cluster; see `kind_harness::kind_test`.
#[proc_macro_attribute]
pub fn kind_test(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(arguments.into(), item.into()).into()
}

/// The attribute on proc-macro2's streams, which also exist outside of a compiler.
fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = Args::parse(arguments, &mut mistakes);
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            mistakes.add(error);
            return mistakes.with(item);
        }
    };
    let test = Test::check(&function, &mut mistakes);
    if mistakes.is_empty() { expand::test(&args, &test) } else { mistakes.with(expand::for_the_editor(function)) }
}
