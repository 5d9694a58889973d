//! Scalars of a configuration, read with their types: text, flags, ports, addresses, words of a list.

use std::net::IpAddr;

use serde_yaml::Value;

use super::{
    error::{Mistake, nearest},
    reader::{Field, describe},
};

impl Field<'_> {
    /// Any scalar as text, as kind reads it: `1.10` stays `1.10`.
    pub(super) fn text(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(self.source().unwrap_or_else(|| describe(self.value))),
            _ => {
                self.refuse_type("text");
                None
            }
        }
    }

    /// Text that satisfies a check.
    pub(super) fn checked_text(&self, expected: &'static str, check: impl Fn(&str) -> bool) -> Option<String> {
        let text = self.text()?;
        if check(&text) {
            return Some(text);
        }
        self.refuse(Mistake::Wrong { found: describe(&Value::String(text)), expected });
        None
    }

    /// Text that stands for something else.
    pub(super) fn parsed<T>(&self, expected: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text()?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.refuse(Mistake::Wrong { found: describe(self.value), expected });
        }
        parsed
    }

    /// True or false, in the words that kind takes.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(word) if matches!(word.as_str(), "y" | "Y" | "yes" | "on") => Some(true),
            Value::String(word) if matches!(word.as_str(), "n" | "N" | "no" | "off") => Some(false),
            _ => {
                self.refuse_type("true or false");
                None
            }
        }
    }

    /// A port that has to be named.
    pub(super) fn port(&self) -> Option<u16> {
        let port = self.value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|port| *port != 0);
        if port.is_none() {
            self.refuse_type("a port from 1 to 65535");
        }
        port
    }

    /// A port, where 0 and -1 stand for a free one.
    pub(super) fn port_or_free(&self) -> Option<u16> {
        match self.value.as_i64() {
            Some(0 | -1) => None,
            Some(port @ 1..=65535) => u16::try_from(port).ok(),
            _ => {
                self.refuse_type("a port from 1 to 65535, or 0 for a free one");
                None
            }
        }
    }

    /// An IP address; empty text stands for the default.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let text = self.text()?;
        if text.is_empty() {
            return None;
        }
        let address = text.parse().ok();
        if address.is_none() {
            self.refuse_type("an IP address such as 127.0.0.1");
        }
        address
    }

    /// One of several words; empty text stands for the default.
    pub(super) fn word<T: Clone>(&self, words: &[(&'static str, T)]) -> Option<T> {
        self.word_by(words, |word, text| word == text)
    }

    /// One of several words, whatever the case of its letters.
    pub(super) fn word_in_any_case<T: Clone>(&self, words: &[(&'static str, T)]) -> Option<T> {
        self.word_by(words, str::eq_ignore_ascii_case)
    }

    fn word_by<T: Clone>(&self, words: &[(&'static str, T)], same: impl Fn(&str, &str) -> bool) -> Option<T> {
        let text = self.text()?;
        if text.is_empty() {
            return None;
        }
        let known = words.iter().find(|(word, _)| same(word, &text));
        if known.is_none() {
            let allowed: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
            let suggestion = nearest(&text, &allowed);
            self.refuse(Mistake::UnknownWord { found: describe(self.value), allowed, suggestion });
        }
        known.map(|(_, value)| value.clone())
    }
}
