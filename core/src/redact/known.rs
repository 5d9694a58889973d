//! The very values that Secrets hold, wherever else they turn up: in a log, an annotation, an error's text.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    object::names_secret,
    text::{LEFT_OUT, redacted},
};

/// A shorter value, such as `true` or `root`, would take harmless words out of every text.
const SHORTEST: usize = 6;
/// Where the value's name says that it is a secret, it may be as short as this.
const SHORTEST_NAMED: usize = 4;
/// How many bytes of values are looked for. The shortest come first: the long ones are mostly keys and tokens, which are
/// found by what they look like as well.
const MOST: usize = 256 * 1024;
/// What is in Secrets and is none.
const PUBLIC: [&str; 3] = ["namespace", "ca.crt", "tls.crt"];

/// Values that are known to be secret.
#[derive(Default)]
pub struct Known(Option<AhoCorasick>);

impl Known {
    /// The values of these Secrets, as they are and in base64, and every line of them.
    pub fn of<'a>(secrets: impl Iterator<Item = &'a Value>) -> Self {
        // Each with whether its name says so.
        let mut values: BTreeMap<String, bool> = BTreeMap::new();
        for secret in secrets {
            let fields = |field: &str| {
                let fields = secret.get(field).and_then(Value::as_object).into_iter().flatten();
                let fields = fields.filter(|(name, _)| !PUBLIC.contains(&name.as_str()));
                fields.filter_map(|(name, value)| Some((names_secret(name), value.as_str()?)))
            };
            let mut add = |is_named: bool, text: &str| {
                for line in text.lines() {
                    *values.entry(line.trim().to_owned()).or_default() |= is_named;
                }
            };
            for (is_named, text) in fields("data") {
                add(is_named, text);
                if let Some(text) = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                    add(is_named, &text);
                }
            }
            for (is_named, text) in fields("stringData") {
                add(is_named, text);
            }
        }
        Self::values(values)
    }

    fn values(values: BTreeMap<String, bool>) -> Self {
        let is_long_enough =
            |(value, is_named): &(String, bool)| value.len() >= if *is_named { SHORTEST_NAMED } else { SHORTEST };
        let mut values: Vec<String> = values.into_iter().filter(is_long_enough).map(|(value, _)| value).collect();
        values.sort_by_key(String::len);
        let mut bytes = 0;
        values.retain(|value| {
            bytes += value.len();
            bytes <= MOST
        });
        // One may be the beginning of another. So few bytes are never too much for it.
        Self(AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values).ok())
    }

    /// The text without them, and without what looks like a secret.
    pub fn left_out_of(&self, text: &str) -> String {
        let text = redacted(text);
        match &self.0 {
            Some(values) if values.is_match(&text) => values.replace_all(&text, &vec![LEFT_OUT; values.patterns_len()]),
            _ => text,
        }
    }
}
