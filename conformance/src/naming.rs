//! From a spec's upstream name to the name of its test. Pure functions.
//!
//! `[sig-network] Services should serve a basic endpoint from pods [Conformance]` is
//! `sig-network::services::should_serve_a_basic_endpoint_from_pods`. A serial spec has `serial` before the last part.

use std::collections::{BTreeMap, BTreeSet};

/// The tag of specs that must have the cluster for themselves.
pub(crate) const SERIAL: &str = "Serial";
/// The part of such a spec's test name that says so.
pub(crate) const SERIAL_PART: &str = "serial";

/// A spec that cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamingError {
    /// It does not begin with the tag of its group.
    #[error("name the spec {upstream:?}: expected it to begin with a tag such as [sig-network]")]
    NoSig {
        /// The spec.
        upstream: String,
    },
    /// None of the containers in its file begins its name, and it has no tag that could stand for one.
    #[error("name the spec {upstream:?}: none of the containers in its file begins it: {}", containers.join(", "))]
    NoContainer {
        /// The spec.
        upstream: String,
        /// What the file has.
        containers: Vec<String>,
    },
    /// Two specs differ in nothing that a name shows.
    #[error("name the specs: {name} stands for {first:?} and for {second:?}")]
    Ambiguous {
        /// The name.
        name: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

/// A spec as upstream has it, and the containers (`SIGDescribe("…")`) of the file that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its full name.
    pub name: String,
    /// The texts of the file's containers.
    pub containers: Vec<String>,
}

/// Names every spec: test name to upstream name, in the order of the test names.
///
/// # Errors
/// When a spec has no group, no container, or the same name as another one.
pub fn name_all(specs: &[Upstream]) -> Result<BTreeMap<String, String>, NamingError> {
    let mut bare: BTreeMap<String, Vec<&Upstream>> = BTreeMap::new();
    for spec in specs {
        bare.entry(test_name(spec, &[])?).or_default().push(spec);
    }
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for specs in bare.values() {
        // Specs that only their tags tell apart have those in their names.
        let shared: BTreeSet<&str> = match specs.as_slice() {
            [_] => BTreeSet::new(),
            _ => specs
                .iter()
                .map(|spec| tags(&spec.name).collect())
                .reduce(|a: BTreeSet<&str>, b| &a & &b)
                .unwrap_or_default(),
        };
        for spec in specs {
            let own: Vec<&str> =
                if specs.len() == 1 { vec![] } else { tags(&spec.name).filter(|tag| !shared.contains(tag)).collect() };
            let name = test_name(spec, &own)?;
            if let Some(first) = named.insert(name.clone(), spec.name.clone()) {
                return Err(NamingError::Ambiguous { name, first, second: spec.name.clone() });
            }
        }
    }
    Ok(named)
}

/// The name of one spec, with these tags at its end.
fn test_name(spec: &Upstream, with: &[&str]) -> Result<String, NamingError> {
    let sig = tags(&spec.name).next().filter(|tag| tag.starts_with("sig-") && spec.name.starts_with('['));
    let sig = sig.ok_or_else(|| NamingError::NoSig { upstream: spec.name.clone() })?;
    let words = without_tags(&spec.name);
    let containers = spec.containers.iter().map(|text| without_tags(text));
    let begins = |container: &String| !container.is_empty() && is_prefix(container, &words);
    let container = containers.filter(begins).max_by_key(String::len);
    let rest = &words[container.as_ref().map_or(0, String::len)..];
    let container = container
        .as_deref()
        .or_else(|| container_tag(&spec.name))
        .ok_or_else(|| NamingError::NoContainer { upstream: spec.name.clone(), containers: spec.containers.clone() })?;
    let serial = if tags(&spec.name).any(|tag| tag == SERIAL) { format!("{SERIAL_PART}::") } else { String::new() };
    let mut parts = vec![snake(rest)];
    parts.extend(with.iter().map(|tag| snake(tag)));
    Ok(format!("{sig}::{}::{serial}{}", snake(container), parts.join("_")))
}

/// The second tag, where it stands right behind the first: a container without a text of its own, such as `[DRA]`. Of
/// `[FeatureGate:X]` only X counts.
fn container_tag(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once(']')?;
    let (tag, _) = rest.trim_start().strip_prefix('[')?.split_once(']')?;
    tag.rsplit(':').next()
}

/// Whether the words of one text begin another.
fn is_prefix(container: &str, words: &str) -> bool {
    words.strip_prefix(container).is_some_and(|rest| rest.starts_with(' '))
}

/// The tags of a name, without their brackets.
pub(crate) fn tags(name: &str) -> impl Iterator<Item = &str> {
    name.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(tag, _)| tag)
}

/// The text with single spaces and without tags.
fn without_tags(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut depth = 0_u32;
    for character in name.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lower-case letters, digits and single underscores.
pub(crate) fn snake(text: &str) -> String {
    let mut snake = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !matches!(character, '\'' | '"' | '`')) {
        if character.is_ascii_alphanumeric() {
            snake.push(character.to_ascii_lowercase());
        } else if !snake.ends_with('_') {
            snake.push('_');
        }
    }
    snake.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn spec(name: &str, containers: &[&str]) -> Upstream {
        Upstream { name: name.to_owned(), containers: containers.iter().map(|&text| text.to_owned()).collect() }
    }

    #[rstest]
    #[case(
        "[sig-network] Services should serve a basic endpoint from pods  [Conformance]",
        "Services",
        "sig-network::services::should_serve_a_basic_endpoint_from_pods"
    )]
    #[case(
        "[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts [Conformance]",
        "Daemon set",
        "sig-apps::daemon_set::serial::should_rollback_without_unnecessary_restarts"
    )]
    #[case(
        "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a pod's webhook works [Conformance]",
        "AdmissionWebhook [Privileged:ClusterAdmin]",
        "sig-api-machinery::admissionwebhook::patching_updating_a_pods_webhook_works"
    )]
    fn names_are_readable(#[case] upstream: &str, #[case] container: &str, #[case] expected: &str) {
        let named = name_all(&[spec(upstream, &["Else", container])]).unwrap();
        assert_eq!(named.into_iter().collect::<Vec<_>>(), [(expected.to_owned(), upstream.to_owned())]);
    }

    #[test]
    fn a_tag_stands_for_a_container_without_a_text() {
        let all = name_all(&[
            spec("[sig-node] [DRA] CRUD works [Conformance]", &["node"]),
            spec("[sig-auth] [FeatureGate:Bundle] [FeatureGate:Other] mounts (>100) [Conformance]", &[]),
        ]);
        let names: Vec<String> = all.unwrap().into_keys().collect();
        assert_eq!(names, ["sig-auth::bundle::mounts_100", "sig-node::dra::crud_works"]);
    }

    #[test]
    fn the_longest_container_of_the_file_counts() {
        let named = name_all(&[spec("[sig-node] Pods Extended works", &["Pods", "Pods Extended", "Pod"])]).unwrap();
        assert!(named.contains_key("sig-node::pods_extended::works"), "{named:?}");
    }

    #[test]
    fn specs_that_only_tags_tell_apart_show_them() {
        let named = name_all(&[
            spec("[sig-node] Pods work [Slow] [X]", &["Pods"]),
            spec("[sig-node] Pods work [X]", &["Pods"]),
        ])
        .unwrap();
        assert_eq!(named.keys().collect::<Vec<_>>(), ["sig-node::pods::work", "sig-node::pods::work_slow"]);
    }

    #[test]
    fn what_cannot_be_named_is_an_error() {
        let no_sig = name_all(&[spec("Pods [sig-node] work", &["Pods"])]).unwrap_err();
        assert!(matches!(no_sig, NamingError::NoSig { .. }), "{no_sig}");
        let no_container = name_all(&[spec("[sig-node] Pods work", &["Nodes"])]).unwrap_err();
        assert!(no_container.to_string().ends_with("begins it: Nodes"), "{no_container}");
        let twice =
            name_all(&[spec("[sig-node] Pods work", &["Pods"]), spec("[sig-node] Pods Work", &["Pods"])]).unwrap_err();
        assert!(matches!(twice, NamingError::Ambiguous { .. }), "{twice}");
    }
}
