//! A cursor over the tree of values that notes mistakes and goes on, so that one run reports them all.

use std::{
    cell::{Cell, RefCell},
    path::Path,
};

use serde_yaml::{Mapping, Value};

use super::{
    error::{ConfigError, Mistake, Problem, nearest},
    extension, locate,
    path::FieldPath,
};

/// Finding a place costs one walk over the text; nobody reads further than this.
const MOST_LOCATED: usize = 100;

/// One reading of one text.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// The tree before anything was merged in: where in the text a value is.
    written: &'a Value,
    noted: RefCell<Vec<Noted>>,
    /// Whether fields beyond kind's are allowed.
    extended: Cell<bool>,
}

struct Noted {
    path: FieldPath,
    place: Place,
    mistake: Mistake,
}

/// Which part of a field a mistake is about.
#[derive(Clone, Copy)]
enum Place {
    Name,
    Value,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, written: &'a Value) -> Self {
        Self { text, written, noted: RefCell::default(), extended: Cell::default() }
    }

    /// The top of the tree.
    pub(super) fn top(&'a self, value: &'a Value) -> Field<'a> {
        Field { reader: self, path: FieldPath::default(), value }
    }

    /// From now on, fields beyond kind's are allowed.
    pub(super) fn extend(&self) {
        self.extended.set(true);
    }

    pub(super) fn found_mistakes(&self) -> bool {
        !self.noted.borrow().is_empty()
    }

    pub(super) fn refuse(&self, path: FieldPath, mistake: Mistake) {
        self.note(path, Place::Value, mistake);
    }

    /// The outcome: nothing, or every mistake in the order of the text.
    pub(super) fn finish(self, origin: &Path) -> Result<(), ConfigError> {
        let text = self.text;
        let problem = |(index, noted): (usize, Noted)| {
            let find = match noted.place {
                Place::Name => locate::name,
                Place::Value => locate::value,
            };
            let written = || locate::written(self.written, &noted.path);
            let position = if index < MOST_LOCATED { find(text, &written()) } else { None };
            Problem { position, path: noted.path, mistake: noted.mistake }
        };
        let mut problems: Vec<Problem> = self.noted.into_inner().into_iter().enumerate().map(problem).collect();
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|problem| problem.position.unwrap_or((usize::MAX, 0)));
        Err(ConfigError { origin: origin.to_owned(), problems })
    }

    fn note(&self, path: FieldPath, place: Place, mistake: Mistake) {
        self.noted.borrow_mut().push(Noted { path, place, mistake });
    }
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Field<'a> {
    reader: &'a Reader<'a>,
    pub(super) path: FieldPath,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) fn refuse(&self, mistake: Mistake) {
        self.reader.note(self.path.clone(), Place::Value, mistake);
    }

    pub(super) fn refuse_name(&self, mistake: Mistake) {
        self.reader.note(self.path.clone(), Place::Name, mistake);
    }

    /// Refuses a field of this value, whether or not it is there.
    pub(super) fn refuse_child(&self, name: &str, mistake: Mistake) {
        self.reader.note(self.path.field(name), Place::Value, mistake);
    }

    pub(super) fn refuse_type(&self, expected: &'static str) {
        self.refuse(Mistake::Wrong { found: describe(self.value), expected });
    }

    /// The value as it is written, where it is a scalar.
    pub(super) fn source(&self) -> Option<String> {
        locate::scalar_text(self.reader.text, &locate::written(self.reader.written, &self.path))
    }

    /// Reads a mapping with these fields and no others.
    pub(super) fn object(&self, allowed: &'static [&'static str]) -> Option<Object<'a>> {
        self.extended_object(allowed, &[])
    }

    /// As [`Field::object`], with further fields where the configuration is one of ours.
    pub(super) fn extended_object(
        &self,
        allowed: &'static [&'static str],
        further: &'static [&'static str],
    ) -> Option<Object<'a>> {
        let is_extended = self.reader.extended.get();
        let allowed = if is_extended { [allowed, further].concat() } else { allowed.to_vec() };
        let Value::Mapping(mapping) = self.value else {
            self.refuse_type("a mapping of fields");
            return None;
        };
        for (name, field) in self.named(mapping) {
            if allowed.contains(&name.as_str()) {
                continue;
            }
            field.refuse_name(if further.contains(&name.as_str()) {
                Mistake::Extension { needed: extension::API_VERSION }
            } else {
                let suggestion = nearest(&name, &allowed);
                Mistake::UnknownField { allowed: allowed.clone(), suggestion }
            });
        }
        Some(Object { field: self.clone(), mapping })
    }

    /// Reads a mapping from arbitrary names.
    pub(super) fn entries(&self) -> Vec<(String, Field<'a>)> {
        if let Value::Mapping(mapping) = self.value {
            return self.named(mapping);
        }
        self.refuse_type("a mapping of names to values");
        Vec::new()
    }

    /// Reads a list.
    pub(super) fn items(&self) -> Vec<Field<'a>> {
        if let Value::Sequence(list) = self.value {
            let item = |(index, value)| Field { reader: self.reader, path: self.path.item(index), value };
            return list.iter().enumerate().map(item).collect();
        }
        self.refuse_type("a list");
        Vec::new()
    }

    fn named(&self, mapping: &'a Mapping) -> Vec<(String, Field<'a>)> {
        let mut named = Vec::new();
        for (key, value) in mapping {
            let Some(name) = locate::key_name(key) else {
                self.refuse(Mistake::Wrong { found: describe(key), expected: "the name of a field" });
                continue;
            };
            let field = Field { reader: self.reader, path: self.path.field(&name), value };
            named.push((name, field));
        }
        named
    }
}

/// A mapping whose names have been checked.
pub(super) struct Object<'a> {
    field: Field<'a>,
    mapping: &'a Mapping,
}

impl<'a> Object<'a> {
    /// A field, or `None` where it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<Field<'a>> {
        let value = self.mapping.get(name).filter(|value| !value.is_null())?;
        Some(Field { reader: self.field.reader, path: self.field.path.field(name), value })
    }

    /// A field that has to be there.
    pub(super) fn require(&self, name: &str, expected: &'static str) -> Option<Field<'a>> {
        let field = self.get(name);
        if field.is_none() {
            self.field.refuse_child(name, Mistake::Missing { expected });
        }
        field
    }
}

/// A value in a few words.
pub(super) fn describe(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(word) => word.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() > LONGEST => {
            format!("{:?} …", text.chars().take(LONGEST).collect::<String>())
        }
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(tagged) => format!("a value tagged {}", tagged.tag),
    }
}
