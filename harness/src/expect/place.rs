//! Paths to values in objects, as `kubectl` writes them: `.status.phase`, `status.conditions[0].type`,
//! `metadata.annotations['example.org/owner']`.

use serde_json::Value;

/// One step from a value to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

/// A path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(Vec<Step>);

impl Place {
    /// Reads a path, or says what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let mut rest = inner.strip_prefix('$').unwrap_or(inner);
        let mut steps = Vec::new();
        let wrong = || format!("{text:?} is no path; expected one such as `status.conditions[0].type`");
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let quote = inside.chars().next().filter(|first| ['\'', '"'].contains(first));
                let (step, after) = if let Some(quote) = quote {
                    let (name, after) = inside[1..].split_once(quote).ok_or_else(wrong)?;
                    (Step::Field(name.to_owned()), after.strip_prefix(']').ok_or_else(wrong)?)
                } else {
                    let (number, after) = inside.split_once(']').ok_or_else(wrong)?;
                    (Step::Item(number.parse().map_err(|_| wrong())?), after)
                };
                steps.push(step);
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err(wrong());
            }
            steps.push(Step::Field(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        if steps.is_empty() { Err(wrong()) } else { Ok(Self(steps)) }
    }

    /// The value there.
    pub(super) fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Item(number) => value.get(number),
        })
    }
}
