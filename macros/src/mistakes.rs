//! Collects every mistake of one attribute, so that they are all reported at once, each on its token.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// How alike two words must be for one to be offered instead of the other; from 0 to 1.
const ALIKE: f64 = 0.75;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<syn::Error>);

impl Mistakes {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one that syn found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// Adds one on a token.
    pub(crate) fn on(&mut self, tokens: &impl ToTokens, message: impl std::fmt::Display) {
        self.0.push(syn::Error::new_spanned(tokens, message));
    }

    /// All of them as `compile_error!`, followed by what stands in for the function.
    pub(crate) fn with(self, item: TokenStream) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).chain([item]).collect()
    }
}

/// `; did you mean X?` where one of the known words is close, else nothing.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(word, known);
    known
        .iter()
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"))
}

/// Words as a list in prose: `a`, `b` or `c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
