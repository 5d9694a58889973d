//! Secrets in any text, such as a pod's log, by what they look like.
//!
//! Taken out are: PEM private keys (also as base64), JSON web tokens, bearer tokens and the content of `Authorization`
//! headers, passwords in addresses (`scheme://user:password@host`), bootstrap tokens, the tokens of some well-known
//! services, and what follows a name that ends in `password`, `secret`, `token`, `key` and the like and `=` or `:`.
//! What does not look like a secret is not known to be one, unless a Secret of the namespace holds it.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use super::pem;

/// What stands where something was taken out.
pub(super) const LEFT_OUT: &str = "<left out>";

/// One pattern, so that a long log is read once. A named part is kept, everything else of a match is left out. What was
/// left out before stays as it is.
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    let patterns = [
        // The two parts of a JSON web token that are always there begin with `{"`.
        r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?",
        // The password of an address.
        r"(?P<address>://[^\s/@:]*:)(?:<left out>|[^\s/@]+)@",
        // A header, in any notation.
        r#"(?P<header>(?i:authorization)\\?["']?[ \t]*[:=][ \t]*\[?\\?["']?(?:[A-Za-z]{3,12}[ \t]+)?)(?:<left out>|[^\s"'\\,;\]]+)"#,
        r"(?P<scheme>(?i:bearer)[ \t]+)[A-Za-z0-9._~+/=-]{16,}",
        // A private key in base64, as kubeconfig files have it; a certificate is no secret.
        r"(?P<base64>LS0tLS1CRUdJTi[A-Za-z0-9+/=]+)",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16})\b",
        r"\b(?P<bootstrap>[a-z0-9]{6}\.[a-z0-9]{16})\b",
        r#"(?x)(?P<name>(?i:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key
           |client-key-data|credentials?)\\?["']?[\ \t]*[:=][\ \t]*)
           (?:<left\ out>|\\?"[^"\n]*"|'[^'\n]*'|[^\s"'\\,;&)}\]]+)"#,
    ];
    Regex::new(&patterns.map(|pattern| format!("(?:{pattern})")).join("|")).expect("the patterns are checked by tests")
});

/// The text without what looks like a secret.
pub fn redacted(text: &str) -> String {
    let text = pem::without_keys(text);
    match SECRETS.replace_all(&text, replacement) {
        Cow::Borrowed(_) => text.into_owned(),
        Cow::Owned(text) => text,
    }
}

fn replacement(found: &Captures<'_>) -> String {
    let all = found.get(0).map_or("", |all| all.as_str());
    // Base64 of `-----BEGIN CERT`, and what merely has a bootstrap token's form, such as a name with a dot.
    let is_harmless = found.name("base64").is_some_and(|it| it.as_str().starts_with("LS0tLS1CRUdJTiBDRVJU"))
        || found.name("bootstrap").is_some_and(|it| !it.as_str().bytes().any(|byte| byte.is_ascii_digit()));
    if is_harmless {
        return all.to_owned();
    }
    let kept = ["address", "header", "scheme", "name"].iter().find_map(|name| found.name(name));
    let at = if found.name("address").is_some() { "@" } else { "" };
    format!("{}{LEFT_OUT}{at}", kept.map_or("", |kept| kept.as_str()))
}
