//! Reads the value of one argument: a number, a word out of a list, a length of time. Each reports its own mistakes.

use std::time::Duration;

use syn::{Expr, ExprLit, ExprPath, Lit, LitInt, LitStr, Path};

use crate::{
    items::{Item, Value},
    mistakes::{Mistakes, did_you_mean, one_of},
};

/// The units of a length of time, longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Item {
    /// A whole number that fits.
    pub(crate) fn number(&self, mistakes: &mut Mistakes) -> Option<(usize, LitInt)> {
        let key = &self.key;
        if let Some(Lit::Int(literal)) = self.literal()
            && literal.suffix().is_empty()
            && let Ok(number) = literal.base10_parse()
        {
            return Some((number, literal.clone()));
        }
        self.unexpected(&format!("`{key}` expects a whole number, such as `{key} = 2`"), mistakes);
        None
    }

    /// A text literal that is not empty.
    pub(crate) fn text(&self, example: &str, mistakes: &mut Mistakes) -> Option<LitStr> {
        let key = &self.key;
        if let Some(Lit::Str(literal)) = self.literal()
            && !literal.value().trim().is_empty()
        {
            return Some(literal.clone());
        }
        self.unexpected(&format!("`{key}` expects a text, such as `{key} = \"{example}\"`"), mistakes);
        None
    }

    /// A text out of a list, and where it stands.
    pub(crate) fn word(&self, known: &[&'static str], mistakes: &mut Mistakes) -> Option<(&'static str, LitStr)> {
        let literal = self.text(known[0], mistakes)?;
        let text = literal.value();
        if let Some(word) = known.iter().find(|word| **word == text) {
            return Some((word, literal));
        }
        let hint = did_you_mean(&text, known);
        mistakes.on(&literal, format!("`{}` is not `{text}`: expected {}{hint}", self.key, one_of(known)));
        None
    }

    /// A length of time such as `90s` or `1m30s`.
    pub(crate) fn duration(&self, mistakes: &mut Mistakes) -> Option<Duration> {
        let literal = self.text("2m", mistakes)?;
        let duration = milliseconds(&literal.value()).filter(|milliseconds| *milliseconds > 0);
        if duration.is_none() {
            let message = "expected a length of time above zero: numbers with `h`, `m`, `s` or `ms`, such as `1m30s`";
            mistakes.on(&literal, message);
        }
        duration.map(Duration::from_millis)
    }

    /// Text literals in brackets, none of which is empty.
    pub(crate) fn texts(&self, example: &str, mistakes: &mut Mistakes) -> Vec<LitStr> {
        let key = &self.key;
        let text = |element: &Expr| match element {
            Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) if !literal.value().trim().is_empty() => {
                Some(literal.clone())
            }
            _ => None,
        };
        if let Value::Is(Expr::Array(array)) = &self.value
            && let Some(texts) = array.elems.iter().map(text).collect::<Option<Vec<_>>>()
            && !texts.is_empty()
        {
            return texts;
        }
        self.unexpected(&format!("`{key}` expects texts in brackets, such as `{key} = [\"{example}\"]`"), mistakes);
        Vec::new()
    }

    /// The path of a function.
    pub(crate) fn path(&self, kind: &str, example: &str, mistakes: &mut Mistakes) -> Option<Path> {
        let key = &self.key;
        if let Value::Is(Expr::Path(ExprPath { qself: None, path, attrs })) = &self.value
            && attrs.is_empty()
        {
            return Some(path.clone());
        }
        let message = format!("`{key}` expects the name of {kind}, such as `{key} = {example}`");
        self.unexpected(&message, mistakes);
        None
    }

    fn literal(&self) -> Option<&Lit> {
        match &self.value {
            Value::Is(Expr::Lit(ExprLit { lit, .. })) => Some(lit),
            _ => None,
        }
    }

    /// Reports on the value, or on the key where there is none.
    pub(crate) fn unexpected(&self, message: &str, mistakes: &mut Mistakes) {
        match &self.value {
            Value::Is(expression) => mistakes.on(expression, message),
            Value::List(_) | Value::Missing => mistakes.on(&self.key, message),
        }
    }
}

/// The sum of parts such as `1m` and `30s`; `None` when the text is anything else.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(length);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = next;
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn lengths_of_time() {
        assert_eq!(milliseconds("2m"), Some(120_000));
        assert_eq!(milliseconds("1h 1m30s"), Some(3_690_000));
        assert_eq!(milliseconds("250ms"), Some(250));
        for wrong in ["", " ", "2", "m", "2min", "-1s", "1.5s", "99999999999999999999h", "9999999999999999999h"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
