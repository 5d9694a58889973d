//! The rules for one Rust file. A pure function of its path and text.

use std::path::Path;

use syn::Item;

use super::{
    Violation,
    tokens::{Token, find, flatten},
};

/// The longest file, in lines.
const LONGEST: usize = 400;
/// Words of unfinished work, in two parts so that this file does not break its own rule.
const UNFINISHED_WORDS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// Macros of unfinished work.
const UNFINISHED_MACROS: [&str; 2] = ["todo", "unimplemented"];
/// Functions that read or write the environment.
const ENVIRONMENT: [&str; 6] = ["var", "var_os", "vars", "vars_os", "set_var", "remove_var"];
/// What waits without a condition.
const SLEEP: [[&str; 4]; 4] = [
    ["thread", ":", ":", "sleep"],
    ["thread", ":", ":", "park_timeout"],
    ["time", ":", ":", "sleep"],
    ["time", ":", ":", "sleep_until"],
];

/// Every rule that the file at `path` (relative to the workspace) breaks.
pub(super) fn check(path: &Path, text: &str) -> Vec<Violation> {
    let Ok(file) = syn::parse_file(text) else {
        return vec![Violation::new(path, 0, "this is no Rust file that can be parsed")];
    };
    let tokens = flatten(text.parse().unwrap_or_default());
    let mut found = Vec::new();
    let mut broken = |line: usize, rule: &str| found.push(Violation::new(path, line, rule));

    opens_with_its_job(text, &mut broken);
    is_short(text, &mut broken);
    is_finished(text, &tokens, &mut broken);
    excepts_with_a_reason(&tokens, &mut broken);
    // What tests hand to processes that they start, or whoever runs them to them, is no setting of the product.
    if !["settings", "testkit", "tests"].iter().any(|name| is_called(path, name)) {
        leaves_the_environment_alone(&tokens, &mut broken);
    }
    if !is_called(path, "wait") {
        does_not_sleep(&tokens, &mut broken);
    }
    if path.file_name().is_some_and(|name| name == "lib.rs" || name == "mod.rs") {
        only_declares(&file.items, &mut broken);
    }
    found
}

/// Whether the file is the module of that name or a part of it.
fn is_called(path: &Path, module: &str) -> bool {
    path.with_extension("").components().any(|part| part.as_os_str() == module)
}

fn opens_with_its_job(text: &str, broken: &mut impl FnMut(usize, &str)) {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        broken(1, "a module begins with `//!`: what lives here and what must not");
    }
}

fn is_short(text: &str, broken: &mut impl FnMut(usize, &str)) {
    let lines = text.lines().count();
    if lines > LONGEST {
        broken(lines, &format!("a file has at most {LONGEST} lines; this may be two ideas"));
    }
}

fn is_finished(text: &str, tokens: &[Token], broken: &mut impl FnMut(usize, &str)) {
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| UNFINISHED_WORDS.contains(&word)) {
            broken(index + 1, "unfinished work belongs into an issue, not into a comment");
        }
    }
    for name in UNFINISHED_MACROS {
        for index in find(tokens, &[name, "!"]) {
            broken(tokens[index].line, &format!("`{name}!` is unfinished work"));
        }
    }
    for index in find(tokens, &["#", "[", "ignore"]).filter(|index| !tokens[*index].in_macro) {
        let reason = tokens[index..].iter().take_while(|token| token.text != "]").last();
        if !reason.is_some_and(|reason| reason.text.contains("runs it")) {
            broken(tokens[index].line, "a test is only ignored where another one `runs it`, as its reason says");
        }
    }
}

fn excepts_with_a_reason(tokens: &[Token], broken: &mut impl FnMut(usize, &str)) {
    for name in ["allow", "expect"] {
        let outer = ["#", "[", name, "("];
        let inner = ["#", "!", "[", name, "("];
        let found = find(tokens, &outer).map(|index| index + outer.len());
        for start in found.chain(find(tokens, &inner).map(|index| index + inner.len())) {
            let arguments = || tokens[start..].iter().take_while(|token| token.text != "]");
            if !tokens[start].in_macro && !arguments().any(|token| token.text == "reason") {
                broken(tokens[start].line, "an exception to a lint has a reason: `#[expect(…, reason = \"…\")]`");
            }
        }
    }
}

fn leaves_the_environment_alone(tokens: &[Token], broken: &mut impl FnMut(usize, &str)) {
    for name in ENVIRONMENT {
        for index in find(tokens, &["env", ":", ":", name]) {
            broken(tokens[index].line, "only a `settings` module reads the environment");
        }
    }
}

fn does_not_sleep(tokens: &[Token], broken: &mut impl FnMut(usize, &str)) {
    for sleep in &SLEEP {
        for index in find(tokens, sleep) {
            broken(tokens[index].line, "only a `wait` module sleeps, and on a condition");
        }
    }
}

fn only_declares(items: &[Item], broken: &mut impl FnMut(usize, &str)) {
    for item in items {
        if !declares(item) {
            let line = syn::spanned::Spanned::span(item).start().line;
            broken(line, "lib.rs and mod.rs only declare modules and re-export");
        }
    }
}

fn declares(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.content.as_ref().is_none_or(|(_, items)| items.iter().all(declares)),
        Item::Use(_) | Item::ExternCrate(_) => true,
        // The compiler wants the entry of a procedural macro in lib.rs.
        Item::Fn(function) => function.attrs.iter().any(|attribute| {
            attribute.path().get_ident().is_some_and(|name| name.to_string().starts_with("proc_macro"))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "//! A job.\n";

    fn rules(path: &str, text: &str) -> Vec<String> {
        check(Path::new(path), text).iter().map(|found| format!("{}: {}", found.line, found.rule)).collect()
    }

    /// One broken rule each, on the second line.
    fn breaks(path: &str, code: &str, rule: &str) {
        let found = rules(path, &format!("{HEAD}{code}\n"));
        assert_eq!(found.len(), 1, "{code}: {found:?}");
        assert!(found[0].starts_with("2: ") && found[0].contains(rule), "{code}: {found:?}");
    }

    #[test]
    fn a_tidy_file_breaks_nothing() {
        assert_eq!(rules("a/src/b.rs", &format!("{HEAD}fn f() {{}}\n")), [""; 0]);
        assert_eq!(rules("a/src/lib.rs", &format!("{HEAD}mod b;\npub use b::C;\n")), [""; 0]);
    }

    #[test]
    fn a_module_says_what_it_is_for() {
        assert_eq!(rules("a.rs", "fn f() {}\n").len(), 1);
        assert_eq!(rules("a.rs", "#![no_std]\n//! A job.\n"), [""; 0]);
    }

    #[test]
    fn a_file_is_short() {
        let lines = |count: usize| format!("{HEAD}{}", "\n".repeat(count - 1));
        assert_eq!(rules("a.rs", &lines(400)), [""; 0]);
        assert_eq!(rules("a.rs", &lines(401)).len(), 1);
    }

    #[test]
    fn unfinished_work_is_found() {
        breaks("a.rs", &format!("// {}: later", UNFINISHED_WORDS[0]), "unfinished");
        breaks("a.rs", "fn f() { todo!() }", "unfinished");
        breaks("a.rs", "fn f() { unimplemented!(\"x\") }", "unfinished");
        breaks("a.rs", "#[ignore = \"slow\"] fn f() {}", "ignored");
        breaks("a.rs", "#[ignore] fn f() {}", "ignored");
        assert_eq!(rules("a.rs", &format!("{HEAD}#[ignore = \"fails; `g` runs it\"] fn f() {{}}\n")), [""; 0]);
    }

    #[test]
    fn a_macro_may_produce_what_code_may_not_have() {
        assert_eq!(rules("a.rs", &format!("{HEAD}fn f() {{ quote! {{ #[ignore] #[allow(x)] }} }}\n")), [""; 0]);
    }

    #[test]
    fn exceptions_have_reasons() {
        breaks("a.rs", "#[allow(dead_code)] fn f() {}", "reason");
        breaks("a.rs", "#![expect(dead_code)]", "reason");
        assert_eq!(rules("a.rs", &format!("{HEAD}#[expect(dead_code, reason = \"x\")] fn f() {{}}\n")), [""; 0]);
    }

    #[test]
    fn only_settings_read_the_environment() {
        let code = "fn f() { std::env::var_os(\"A\"); }";
        breaks("a/src/b.rs", code, "settings");
        assert_eq!(rules("a/src/settings.rs", &format!("{HEAD}{code}\n")), [""; 0]);
        assert_eq!(rules("a/src/settings/read.rs", &format!("{HEAD}{code}\n")), [""; 0]);
    }

    #[test]
    fn only_wait_sleeps() {
        let code = "async fn f() { select! { _ = tokio::time::sleep(d) => {} } }";
        breaks("a/src/b.rs", code, "wait");
        breaks("a/src/b.rs", "use std::thread::sleep;", "wait");
        assert_eq!(rules("a/src/wait/poll.rs", &format!("{HEAD}{code}\n")), [""; 0]);
    }

    #[test]
    fn entry_files_only_declare() {
        breaks("a/src/lib.rs", "fn f() {}", "declare");
        breaks("a/src/b/mod.rs", "mod c { fn f() {} }", "declare");
        assert_eq!(rules("a/src/lib.rs", &format!("{HEAD}#[proc_macro_attribute] pub fn f() {{}}\n")), [""; 0]);
    }
}
