//! Where in a configuration a value is: `nodes[0].labels["a/b"]`.

use std::fmt;

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Item(usize),
}

/// The way from the top of a configuration to a value; it displays as `nodes[0].role`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// The path of a field of the value at this path.
    #[must_use]
    pub(crate) fn field(&self, name: &str) -> Self {
        self.with(Step::Field(name.to_owned()))
    }

    /// The path of an item of the list at this path, counted from 0.
    #[must_use]
    pub(crate) fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the whole configuration.
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Field(name) if !is_plain(name) => write!(f, "[{name:?}]")?,
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_person_would_write_it() {
        let label = FieldPath::default().field("nodes").item(0).field("labels").field("a.b/c");
        assert_eq!(label.to_string(), "nodes[0].labels[\"a.b/c\"]");
        assert_eq!(FieldPath::default().to_string(), "");
    }
}
