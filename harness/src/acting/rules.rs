//! The smallest rules that allow what was asked for. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::json;

use super::asked::Asked;

/// The rules that what was asked for needs: of a Role in each namespace, and of a `ClusterRole`.
///
/// As text it is YAML to copy. Names of objects are not in it: they are rarely the same in the next run.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct RulesUsed {
    /// What was asked for within one namespace, by its name.
    pub roles: BTreeMap<String, Vec<PolicyRule>>,
    /// What was asked for of the whole cluster.
    pub cluster_role: Vec<PolicyRule>,
}

type Verbs<'a> = BTreeSet<&'a str>;

impl RulesUsed {
    pub(super) fn of(asked: &BTreeSet<Asked>) -> Self {
        let mut verbs: BTreeMap<(Option<&str>, &str, &str), Verbs> = BTreeMap::new();
        let mut paths: BTreeMap<&str, Verbs> = BTreeMap::new();
        for one in asked {
            match one {
                // Of a namespace itself, too: a Role in it is enough.
                Asked::Resource { namespace, group, resource, verb } => {
                    verbs.entry((namespace.as_deref(), group, resource)).or_default().insert(verb);
                }
                Asked::Path { path, verb } => {
                    paths.entry(path).or_default().insert(verb);
                }
            }
        }
        // Resources of one group that are asked for the same are one rule.
        let mut grouped: BTreeMap<(Option<&str>, &str, Verbs), Vec<&str>> = BTreeMap::new();
        for ((namespace, group, resource), verbs) in verbs {
            grouped.entry((namespace, group, verbs)).or_default().push(resource);
        }
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let list = |verbs: Verbs| verbs.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
        let mut used = Self::default();
        for ((namespace, group, verbs), resources) in grouped {
            let rules = match namespace {
                Some(namespace) => used.roles.entry(namespace.to_owned()).or_default(),
                None => &mut used.cluster_role,
            };
            rules.push(PolicyRule {
                api_groups: Some(vec![group.to_owned()]),
                resources: Some(owned(&resources)),
                verbs: list(verbs),
                ..PolicyRule::default()
            });
        }
        let mut by_verbs: BTreeMap<Verbs, Vec<&str>> = BTreeMap::new();
        for (path, verbs) in paths {
            by_verbs.entry(verbs).or_default().push(path);
        }
        used.cluster_role.extend(by_verbs.into_iter().map(|(verbs, paths)| PolicyRule {
            non_resource_urls: Some(owned(&paths)),
            verbs: list(verbs),
            ..PolicyRule::default()
        }));
        used
    }
}

impl fmt::Display for RulesUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = self.roles.iter().map(|(namespace, rules)| ("Role", Some(namespace), rules));
        let of_all = (!self.cluster_role.is_empty()).then_some(("ClusterRole", None, &self.cluster_role));
        for (number, (kind, namespace, rules)) in roles.chain(of_all).enumerate() {
            let mut role = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": "used" }, "rules": rules,
            });
            if let Some(namespace) = namespace {
                role["metadata"]["namespace"] = namespace.as_str().into();
            }
            let text = serde_yaml::to_string(&role).map_err(|_| fmt::Error)?;
            write!(f, "{}{text}", if number > 0 { "---\n" } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acting::asked::asked;

    fn used(requests: &[(&str, &str)]) -> RulesUsed {
        RulesUsed::of(
            &requests.iter().map(|(method, uri)| asked(&method.parse().unwrap(), &uri.parse().unwrap())).collect(),
        )
    }

    #[test]
    fn resources_that_are_asked_for_the_same_are_one_rule() {
        let used = used(&[
            ("GET", "/api/v1/namespaces/a/configmaps?watch=true"),
            ("GET", "/api/v1/namespaces/a/configmaps"),
            ("GET", "/api/v1/namespaces/a/secrets"),
            ("GET", "/api/v1/namespaces/a/secrets?watch=1"),
            ("GET", "/api/v1/namespaces/a/secrets"),
            ("PATCH", "/apis/apps/v1/namespaces/a/deployments/web"),
            ("GET", "/apis/apps/v1/namespaces/b/deployments/web"),
            ("GET", "/api/v1/namespaces/a"),
            ("GET", "/apis/apps/v1/deployments"),
            ("GET", "/version"),
            ("GET", "/apis"),
        ]);
        let expected = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: used
  namespace: a
rules:
- apiGroups:
  - ''
  resources:
  - namespaces
  verbs:
  - get
- apiGroups:
  - ''
  resources:
  - configmaps
  - secrets
  verbs:
  - list
  - watch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: used
  namespace: b
rules:
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: used
rules:
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - list
- nonResourceURLs:
  - /apis
  - /version
  verbs:
  - get
";
        assert_eq!(used.to_string(), expected);
    }

    #[test]
    fn nothing_asked_is_no_role() {
        assert_eq!(used(&[]).to_string(), "");
    }
}
