//! Choosing specs by their names.

use regex::Regex;

use crate::catalog::Spec;

/// Which specs are wanted. A pattern matches a spec where it matches its name upstream or its test's name here; how many
/// spaces stand between two words upstream does not matter.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Where there are any, a spec has to match one of them.
    pub focus: Vec<Regex>,
    /// A spec must match none of them.
    pub skip: Vec<Regex>,
}

impl Selection {
    /// Whether the spec is wanted.
    pub fn wants(&self, spec: &Spec) -> bool {
        let words = spec.upstream.split_whitespace().collect::<Vec<_>>().join(" ");
        let matches = |pattern: &Regex| {
            pattern.is_match(spec.upstream) || pattern.is_match(&words) || pattern.is_match(spec.test)
        };
        (self.focus.is_empty() || self.focus.iter().any(matches)) && !self.skip.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::Catalog;

    fn count(focus: &[&str], skip: &[&str]) -> usize {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Regex::new(text).unwrap()).collect();
        let selection = Selection { focus: patterns(focus), skip: patterns(skip) };
        Catalog::of("v1.37.2").unwrap().specs().iter().filter(|spec| selection.wants(spec)).count()
    }

    #[rstest]
    #[case(&[], &[], 462)]
    #[case(&[r"\[Serial\]"], &[], 29)]
    #[case(&["::serial::"], &[], 29)]
    #[case(&[], &[r"\[Serial\]"], 433)]
    #[case(&[r"\[Conformance\]"], &[], 462)]
    #[case(&["^sig-cli::", r"^\[sig-auth\]"], &[], 44)]
    #[case(&["^sig-cli::"], &["kubectl"], 0)]
    #[case(&["no such spec"], &[], 0)]
    #[case(&["^sig-network::services::should_serve_a_basic_endpoint_from_pods$"], &[], 1)]
    #[case(&["Services should serve a basic endpoint from pods"], &[], 1)]
    fn names_here_and_upstream_are_looked_at(#[case] focus: &[&str], #[case] skip: &[&str], #[case] expected: usize) {
        assert_eq!(count(focus, skip), expected);
    }
}
