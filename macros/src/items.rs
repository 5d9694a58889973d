//! Splits the attribute's tokens into `key = value` and `key(…)` items. What they mean is not known here.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Ident, Token,
    ext::IdentExt as _,
    parenthesized,
    parse::{ParseStream, Parser as _},
};

use crate::mistakes::Mistakes;

/// One item of an attribute.
pub(crate) struct Item {
    /// What stands before `=` or the parenthesis.
    pub(crate) key: Ident,
    /// What follows.
    pub(crate) value: Value,
}

/// What follows an item's key.
pub(crate) enum Value {
    /// `= expression`
    Is(Expr),
    /// `(tokens)`
    List(TokenStream),
    /// Nothing at all.
    Missing,
}

/// Splits tokens into items. A broken one is reported and skipped up to the next comma.
pub(crate) fn split(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<Item> {
    let mut items = Vec::new();
    let parser = |input: ParseStream| {
        while !input.is_empty() {
            match item(input) {
                Ok(item) => items.push(item),
                Err(error) => {
                    mistakes.add(error);
                    skip_to_comma(input)?;
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        mistakes.add(error);
    }
    items
}

fn item(input: ParseStream) -> syn::Result<Item> {
    let key = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), "expected an argument such as `workers = 2`"))?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        Value::Is(input.parse()?)
    } else if input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in input);
        Value::List(content.parse()?)
    } else {
        Value::Missing
    };
    if input.is_empty() || input.peek(Token![,]) {
        Ok(Item { key, value })
    } else {
        Err(input.error("expected `,` before this"))
    }
}

fn skip_to_comma(input: ParseStream) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
