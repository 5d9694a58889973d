//! Which containers of a cluster run, and since when: what tells that the engine was restarted.

use std::collections::BTreeMap;

/// Those that run, by name, with the engine's word for when they were started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs(BTreeMap<String, String>);

impl Runs {
    pub(super) fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of them were started since an earlier look, as an engine does that is started again. One that a test
    /// stops and starts is the test's business.
    pub(super) fn all_started_since(&self, earlier: &Self) -> bool {
        !self.none() && !earlier.none() && self.0.iter().all(|(name, since)| earlier.0.get(name) != Some(since))
    }
}

impl<N: Into<String>, S: Into<String>> FromIterator<(N, S)> for Runs {
    fn from_iter<I: IntoIterator<Item = (N, S)>>(running: I) -> Self {
        Self(running.into_iter().map(|(name, since)| (name.into(), since.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_starts_all_of_them() {
        let runs = |running: &[(&str, &str)]| running.iter().copied().collect::<Runs>();
        let before = runs(&[("one", "1"), ("two", "2")]);
        assert!(runs(&[("one", "3"), ("two", "3")]).all_started_since(&before));
        assert!(runs(&[("one", "3")]).all_started_since(&before), "the other comes later");
        assert!(!runs(&[("one", "3"), ("two", "2")]).all_started_since(&before));
        assert!(!before.all_started_since(&before));
        assert!(!runs(&[]).all_started_since(&before));
        assert!(!before.all_started_since(&runs(&[])));
    }
}
