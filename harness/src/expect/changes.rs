//! What changed on the way, in order, and never too much of it.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    describe::{LONGEST, Secret, cut, is_hidden, values},
    watch::State,
};

/// How many changes are kept from the beginning, and from the end.
const FIRST: usize = 5;
const LAST: usize = 25;
/// How many values of one change are told.
const VALUES: usize = 6;

/// The record of one wait.
pub(super) struct Changes {
    start: Instant,
    secret: Secret,
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: usize,
    latest: String,
}

impl Changes {
    pub(super) fn new(secret: Secret) -> Self {
        Self { start: Instant::now(), secret, first: vec![], last: VecDeque::new(), left_out: 0, latest: String::new() }
    }

    /// Something happened. Said once, however often it happens in a row.
    pub(super) fn note(&mut self, what: &str) {
        if self.latest == what {
            return;
        }
        what.clone_into(&mut self.latest);
        let line = format!("{:.1} s  {what}", self.start.elapsed().as_secs_f64());
        if self.first.len() < FIRST {
            self.first.push(line);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(line);
    }

    /// From one state to another one, of which the states between may be unknown.
    pub(super) fn between(&mut self, before: &State, after: &State) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            self.of(name, before.get(name), after.get(name));
        }
    }

    /// One object changed.
    pub(super) fn of(&mut self, name: &str, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (None, None) => {}
            (None, Some(_)) => self.note(&format!("{name} is there")),
            (Some(_), None) => self.note(&format!("{name} is gone")),
            (Some(before), Some(after)) if before["metadata"]["uid"] != after["metadata"]["uid"] => {
                self.note(&format!("{name} is another one of that name"));
            }
            (Some(before), Some(after)) => {
                if let Some(difference) = self.difference(before, after) {
                    self.note(&format!("{name}: {difference}"));
                }
            }
        }
    }

    fn difference(&self, before: &Value, after: &Value) -> Option<String> {
        let (before, after) = (values(before), values(after));
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed: Vec<&String> = paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).collect();
        let told = changed.iter().take(VALUES).map(|path| {
            if is_hidden(self.secret, path) {
                return format!("{path} (hidden)");
            }
            let value = |value: Option<&String>| value.map_or_else(|| "none".to_owned(), |value| cut(value, LONGEST));
            format!("{path} {} → {}", value(before.get(*path)), value(after.get(*path)))
        });
        let mut told: Vec<String> = told.collect();
        if changed.len() > VALUES {
            told.push(format!("and {} more", changed.len() - VALUES));
        }
        (!told.is_empty()).then(|| told.join(", "))
    }

    pub(super) fn elapsed(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// All of it, to be read.
    pub(super) fn told(self) -> Vec<String> {
        let gap = (self.left_out > 0).then(|| format!("… {} more", self.left_out));
        self.first.into_iter().chain(gap).chain(self.last).collect()
    }
}
