//! The very values that Secrets hold, wherever else they turn up: in a log, an annotation, an error's text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::text::LEFT_OUT;

/// A shorter value, such as `true` or `admin`, would take harmless words out of every text.
const SHORTEST: usize = 8;
/// How many values are looked for. Each is a search through every text.
const MOST: usize = 200;
/// What is in Secrets and is none.
const PUBLIC: [&str; 3] = ["namespace", "ca.crt", "tls.crt"];

/// Values that are known to be secret.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<String>);

impl Known {
    /// The values of these Secrets, as they are and in base64, and every line of them.
    pub(crate) fn of<'a>(secrets: impl Iterator<Item = &'a Value>) -> Self {
        let mut values: Vec<String> = Vec::new();
        for secret in secrets {
            let fields = |name: &str| {
                let fields = secret.get(name).and_then(Value::as_object).into_iter().flatten();
                fields.filter(|(name, _)| !PUBLIC.contains(&name.as_str())).filter_map(|(_, value)| value.as_str())
            };
            for text in fields("data") {
                values.push(text.to_owned());
                let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                values.extend(decoded.iter().flat_map(|text| text.lines()).map(str::to_owned));
            }
            values.extend(fields("stringData").map(str::to_owned));
        }
        Self::values(values)
    }

    /// These values.
    fn values(mut values: Vec<String>) -> Self {
        values = values.iter().map(|value| value.trim().to_owned()).filter(|value| value.len() >= SHORTEST).collect();
        // The longest first: one may be the beginning of another.
        values.sort_by_key(|value| (std::cmp::Reverse(value.len()), value.clone()));
        values.dedup();
        values.truncate(MOST);
        Self(values)
    }

    /// The text without them.
    pub(crate) fn left_out_of(&self, mut text: String) -> String {
        for value in &self.0 {
            if text.contains(value) {
                text = text.replace(value, LEFT_OUT);
            }
        }
        text
    }
}
