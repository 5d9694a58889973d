//! How long slow specs take: a list that is compiled in, which decides the order and nothing else.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use crate::catalog::Spec;

/// Seconds and test names, from a full run.
const LIST: &str = include_str!("../names/durations.tsv");
/// What stands for a spec that upstream calls slow and that the list does not have.
const SLOW: Duration = Duration::from_mins(1);

static DURATIONS: LazyLock<HashMap<&'static str, Duration>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    lines.filter_map(|(seconds, test)| Some((test, Duration::from_secs(seconds.parse().ok()?)))).collect()
});

/// How long the spec took when it was measured; zero for one that was quick, or is not known.
pub(crate) fn expected(spec: &Spec) -> Duration {
    let unknown = if spec.is_slow() { SLOW } else { Duration::ZERO };
    DURATIONS.get(spec.test).copied().unwrap_or(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn every_line_is_a_parallel_spec_and_has_seconds() {
        let lines: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), DURATIONS.len(), "each line has seconds, a tab and a name that no other line has");
        for (test, duration) in DURATIONS.iter() {
            let spec = Catalog::versions().filter_map(Catalog::of).find_map(|catalog| catalog.by_test(test));
            assert!(spec.is_some_and(|spec| !spec.is_serial()), "{test}");
            assert!(!duration.is_zero(), "{test}");
        }
    }
}
