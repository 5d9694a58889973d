//! Which labels a node may give itself: Kubernetes' syntax, and the names that the kubelet is allowed to set.

use crate::spec::names::is_dns_name;

/// What a value is.
pub(super) const VALUE: &str =
    "a label's value: at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', with a letter or digit at both ends";

const NAME: &str = "a label's name: at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', perhaps after a domain and '/'";
const FOREIGN: &str = "a label that a kubelet may set: outside kubernetes.io and k8s.io, or below \
                       node.kubernetes.io/ or kubelet.kubernetes.io/; set others with kubectl";

/// Names in Kubernetes' own domains that the kubelet may set all the same.
const KUBELETS_OWN: &[&str] = &[
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// Checks a name's syntax, which labels and taints share; the error says what was expected.
pub(super) fn check_syntax(name: &str) -> Result<(), &'static str> {
    let (domain, word) = name.split_once('/').unwrap_or(("", name));
    let is_name = !word.is_empty() && is_value(word) && (!name.contains('/') || is_dns_name(domain));
    if is_name { Ok(()) } else { Err(NAME) }
}

/// Checks a label's name; the error says what was expected.
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    check_syntax(name)?;
    let domain = name.split_once('/').map_or("", |(domain, _)| domain);
    if is_below(domain, &["kubernetes.io", "k8s.io"])
        && !is_below(domain, &["node.kubernetes.io", "kubelet.kubernetes.io"])
        && !KUBELETS_OWN.contains(&name)
    {
        return Err(FOREIGN);
    }
    Ok(())
}

/// Checks a label that a kubelet is to set; the error says what was expected.
pub(crate) fn check(name: &str, value: &str) -> Result<(), &'static str> {
    check_name(name)?;
    if is_value(value) { Ok(()) } else { Err(VALUE) }
}

/// Whether text can be a label's value.
pub(super) fn is_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_below(domain: &str, parents: &[&str]) -> bool {
    parents
        .iter()
        .any(|parent| domain.strip_suffix(parent).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("tier")]
    #[case("ingress-ready")]
    #[case("example.com/a_b.c")]
    #[case("node.kubernetes.io/pool")]
    #[case("topology.kubernetes.io/zone")]
    #[case("notkubernetes.io/x")]
    fn takes(#[case] name: &str) {
        assert_eq!(check_name(name), Ok(()));
    }

    #[rstest]
    #[case("", NAME)]
    #[case("a b", NAME)]
    #[case("/a", NAME)]
    #[case("a/", NAME)]
    #[case("a/b/c", NAME)]
    #[case("-a", NAME)]
    #[case("UPPER.com/a", NAME)]
    #[case("a=b", NAME)]
    #[case("node-role.kubernetes.io/worker", FOREIGN)]
    #[case("x.k8s.io/y", FOREIGN)]
    fn refuses(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(check_name(name), Err(expected));
    }
}
