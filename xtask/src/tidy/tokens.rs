//! Rust text as a flat list of tokens, so that rules see code and neither comments nor strings.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Its text; `(`, `[` and `{` open groups and have their counterparts.
    pub(super) text: String,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Whether it is in the arguments of a macro, where it may be a piece of code to be produced.
    pub(super) in_macro: bool,
}

/// All tokens in order, groups opened up.
pub(super) fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    collect(stream, false, &mut tokens);
    tokens
}

fn collect(stream: TokenStream, in_macro: bool, tokens: &mut Vec<Token>) {
    // `name ! ( … )` is a macro's call, `# ! [ … ]` an attribute.
    let mut before = [String::new(), String::new()];
    for tree in stream {
        let line = tree.span().start().line;
        let text = match tree {
            TokenTree::Group(group) => {
                let is_call = before[1] == "!" && before[0] != "#";
                let (open, close) = signs(group.delimiter());
                tokens.push(Token { text: open.to_owned(), line, in_macro });
                let end = group.span_close().end().line;
                collect(group.stream(), in_macro || is_call, tokens);
                tokens.push(Token { text: close.to_owned(), line: end, in_macro });
                close.to_owned()
            }
            TokenTree::Ident(name) => leaf(name.to_string(), line, in_macro, tokens),
            TokenTree::Punct(sign) => leaf(sign.as_char().to_string(), line, in_macro, tokens),
            TokenTree::Literal(literal) => leaf(literal.to_string(), line, in_macro, tokens),
        };
        before = [std::mem::take(&mut before[1]), text];
    }
}

fn leaf(text: String, line: usize, in_macro: bool, tokens: &mut Vec<Token>) -> String {
    tokens.push(Token { text: text.clone(), line, in_macro });
    text
}

fn signs(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    }
}

/// The places where these texts stand one after the other.
pub(super) fn find<'a>(tokens: &'a [Token], texts: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    let matches = move |window: &[Token]| window.iter().zip(texts).all(|(token, text)| token.text == *text);
    tokens.windows(texts.len()).enumerate().filter(move |(_, window)| matches(window)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        flatten(text.parse().unwrap())
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let tokens = tokens("// a::b\nfn f() { let x = \"a::b\"; }");
        assert_eq!(find(&tokens, &["a", ":", ":", "b"]).count(), 0);
    }

    #[test]
    fn code_in_a_macro_is_found_and_marked() {
        let tokens = tokens("#![attr(a)]\nfn f() {\n    select! { _ = a::b() => {} }\n}");
        let found: Vec<&Token> = find(&tokens, &["a", ":", ":", "b"]).map(|index| &tokens[index]).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].in_macro), (3, true));
        assert!(!tokens.iter().find(|token| token.text == "attr").unwrap().in_macro);
    }
}
