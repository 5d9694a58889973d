//! From the attribute's two streams to the expansion: parse, check, expand. All mistakes are collected on the way.

use proc_macro2::TokenStream;
use syn::ItemFn;

use crate::{args::Args, expand, mistakes::Mistakes, signature::Test};

/// The attribute on proc-macro2's streams, which also exist outside of a compiler.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
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
