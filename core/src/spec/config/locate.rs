//! Lines and columns, and a scalar exactly as it is written.
//!
//! The tree of values carries neither, so the text is walked once more along the path in question; the error that ends
//! the walk carries the place.

use std::{cell::RefCell, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use serde_yaml::Value;

use super::path::{FieldPath, Step};

/// The key that merges other mappings into its own.
const MERGE: &str = "<<";

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

/// The name of a field, where a key can be one.
pub(super) fn key_name(key: &Value) -> Option<String> {
    match key {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        _ => None,
    }
}

/// The path by which the text has a value: through `<<` where its mapping does not have the field itself. Aliases are
/// followed when the text is walked.
pub(super) fn written(tree: &Value, path: &FieldPath) -> FieldPath {
    let (mut place, mut at) = (FieldPath::default(), Some(tree));
    for step in path.steps() {
        match step {
            Step::Item(index) => {
                place = place.item(*index);
                at = at.and_then(|list| list.as_sequence()?.get(*index));
            }
            Step::Field(name) => {
                let (found, value) = at.and_then(|tree| in_mapping(tree, name, &place)).unzip();
                place = found.unwrap_or_else(|| place.field(name));
                at = value;
            }
        }
    }
    place
}

/// Where a mapping has a field: in itself, else in what is merged in, the first of several.
fn in_mapping<'a>(tree: &'a Value, name: &str, place: &FieldPath) -> Option<(FieldPath, &'a Value)> {
    let mapping = tree.as_mapping()?;
    let own = mapping.iter().find(|(key, _)| key_name(key).as_deref() == Some(name));
    if let Some((_, value)) = own {
        return Some((place.field(name), value));
    }
    let (merged, place) = (mapping.get(MERGE)?, place.field(MERGE));
    match merged {
        Value::Sequence(list) => {
            list.iter().enumerate().find_map(|(index, item)| in_mapping(item, name, &place.item(index)))
        }
        one => in_mapping(one, name, &place),
    }
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

    const MERGED: &str = "a: &a {x: 1.10, y: 0x1F}\nb: &b {<<: *a, y: 07}\nlist:\n- <<: [*b, {z: 1e3}]\n  own: 010\n";

    #[test]
    fn what_is_merged_in_is_found_where_it_is_written() {
        let tree: Value = serde_yaml::from_str(MERGED).unwrap();
        let text = |path: FieldPath| scalar_text(MERGED, &written(&tree, &path));
        for (name, expected) in [("x", "1.10"), ("y", "07"), ("z", "1e3"), ("own", "010")] {
            assert_eq!(text(path(0).field(name)).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(text(FieldPath::default().field("b").field("x")).as_deref(), Some("1.10"));
        assert_eq!(value(MERGED, &written(&tree, &path(0).field("x"))), Some((1, 11)));
        assert_eq!(written(&tree, &path(7).field("x")), path(7).field("x"));
    }

    /// Every scalar of every configuration of the corpus: what is found in the text is what the tree has.
    #[test]
    fn whatever_a_tree_has_is_found_in_its_text() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/fixtures/v1alpha4/valid");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let Ok(raw) = serde_yaml::from_str::<Value>(text.trim_start_matches('\u{feff}')) else { continue };
            let mut tree = raw.clone();
            tree.apply_merge().unwrap();
            scalars(&tree, &FieldPath::default(), &mut |path, value| {
                let found = scalar_text(text.trim_start_matches('\u{feff}'), &written(&raw, path));
                let found = found.unwrap_or_else(|| panic!("{}: {path} is not found", file.display()));
                let is_same = match value {
                    Value::String(text) => *text == found,
                    other => serde_yaml::from_str::<Value>(&found).unwrap() == *other,
                };
                assert!(is_same, "{}: {path} is {value:?}, found {found:?}", file.display());
                count += 1;
            });
        }
        assert!(count > 300, "{count}");
    }

    fn scalars(value: &Value, path: &FieldPath, look: &mut impl FnMut(&FieldPath, &Value)) {
        match value {
            Value::Mapping(mapping) => {
                for (key, value) in mapping {
                    scalars(value, &path.field(&key_name(key).unwrap()), look);
                }
            }
            Value::Sequence(list) => {
                for (index, value) in list.iter().enumerate() {
                    scalars(value, &path.item(index), look);
                }
            }
            Value::Null => {}
            scalar => look(path, scalar),
        }
    }

    #[test]
    fn keeps_a_scalar_as_written() {
        assert_eq!(scalar_text(TEXT, &path(0).field("x")).as_deref(), Some("1.10"));
        assert_eq!(scalar_text(TEXT, &path(1).field("other").field("deep")).as_deref(), Some("true"));
        assert_eq!(scalar_text(TEXT, &path(1)), None);
    }
}
