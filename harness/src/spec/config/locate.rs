//! Lines and columns, and a scalar exactly as it is written.
//!
//! The tree of values carries neither, so the text is walked once more along the path in question; the error that ends
//! the walk carries the place.

use std::{cell::RefCell, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path::{FieldPath, Step};

/// What the walk is for.
#[derive(Clone, Copy)]
enum Aim<'a> {
    /// The place of the field's name, where the last step is a field.
    Name,
    /// The place of the value.
    Value,
    /// The value's text.
    Text(&'a RefCell<Option<String>>),
}

/// Line and column of a field's name, counted from 1; of what surrounds it where the text does not have it.
pub(super) fn name(text: &str, path: &FieldPath) -> Option<(usize, usize)> {
    walk(text, path, Aim::Name)
}

/// Line and column of a value, counted from 1; of what surrounds it where the text does not have it.
pub(super) fn value(text: &str, path: &FieldPath) -> Option<(usize, usize)> {
    walk(text, path, Aim::Value)
}

/// A scalar as it is written: `1.10` is a number to YAML, and no longer this text once it has been one.
pub(super) fn scalar_text(text: &str, path: &FieldPath) -> Option<String> {
    let found = RefCell::new(None);
    walk(text, path, Aim::Text(&found));
    found.into_inner()
}

fn walk(text: &str, path: &FieldPath, aim: Aim<'_>) -> Option<(usize, usize)> {
    let ended = Walk { steps: path.steps(), aim }.deserialize(serde_yaml::Deserializer::from_str(text));
    ended.err().and_then(|error| error.location()).map(|place| (place.line(), place.column()))
}

struct Walk<'a> {
    steps: &'a [Step],
    aim: Aim<'a>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let (Aim::Text(found), []) = (self.aim, self.steps) {
            *found.borrow_mut() = Some(String::deserialize(deserializer)?);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

/// Every scalar ends the walk: a visitor without a method for it is an error, and the error has the place.
impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let [Step::Field(name), rest @ ..] = self.steps else { return Err(A::Error::custom("here")) };
        let stop = rest.is_empty() && matches!(self.aim, Aim::Name);
        while let Some(is_it) = map.next_key_seed(Key { name, stop })? {
            if is_it {
                return map.next_value_seed(Walk { steps: rest, aim: self.aim });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(A::Error::custom("not there"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let [Step::Item(index), rest @ ..] = self.steps else { return Err(A::Error::custom("here")) };
        for _ in 0..*index {
            list.next_element::<IgnoredAny>()?;
        }
        let there = list.next_element_seed(Walk { steps: rest, aim: self.aim })?;
        there.ok_or_else(|| A::Error::custom("not there"))
    }
}

/// Reads a field's name and says whether it is the wanted one.
struct Key<'a> {
    name: &'a str,
    stop: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        let is_it = name == self.name;
        if is_it && self.stop { Err(E::custom("here")) } else { Ok(is_it) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 1\nlist:\n- x: 1.10\n  7: [y, z]\n- other: {deep: true}\n";

    fn path(list: usize) -> FieldPath {
        FieldPath::default().field("list").item(list)
    }

    #[test]
    fn finds_names_and_values() {
        assert_eq!(value(TEXT, &FieldPath::default().field("a")), Some((1, 4)));
        assert_eq!(name(TEXT, &path(0).field("x")), Some((3, 3)));
        assert_eq!(value(TEXT, &path(0).field("x")), Some((3, 6)));
        assert_eq!(value(TEXT, &path(0).field("7").item(1)), Some((4, 10)));
        assert_eq!(name(TEXT, &path(1).field("other").field("deep")), Some((5, 11)));
    }

    #[test]
    fn falls_back_to_what_surrounds() {
        assert_eq!(value(TEXT, &path(1).field("absent")), Some((5, 3)));
    }

    #[test]
    fn keeps_a_scalar_as_written() {
        assert_eq!(scalar_text(TEXT, &path(0).field("x")).as_deref(), Some("1.10"));
        assert_eq!(scalar_text(TEXT, &path(1).field("other").field("deep")).as_deref(), Some("true"));
        assert_eq!(scalar_text(TEXT, &path(1)), None);
    }
}
