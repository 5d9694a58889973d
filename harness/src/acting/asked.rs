//! What a request asks for, as RBAC sees it: the rules of the API server's `RequestInfo`. No I/O.

use http::{Method, Uri};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    /// A verb on a resource.
    Resource {
        /// Where; nothing for what is cluster-wide, or asked of all namespaces.
        namespace: Option<String>,
        /// The API's group, which is empty for the first API.
        group: String,
        /// The resource, with its part, as `deployments/scale`.
        resource: String,
        /// The verb, as `list`.
        verb: &'static str,
    },
    /// A verb on a path that is no resource.
    Path {
        /// The path.
        path: String,
        /// The verb, as `get`.
        verb: String,
    },
}

/// What a request asks for.
pub(super) fn asked(method: &Method, uri: &Uri) -> Asked {
    resource(method, uri)
        .unwrap_or_else(|| Asked::Path { path: uri.path().to_owned(), verb: method.as_str().to_lowercase() })
}

fn resource(method: &Method, uri: &Uri) -> Option<Asked> {
    let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let (group, parts) = match parts[..] {
        ["api", _version, ref parts @ ..] => ("", parts),
        ["apis", group, _version, ref parts @ ..] => (group, parts),
        _ => return None,
    };
    let (namespace, parts) = match *parts {
        // Parts of the namespace itself, and not of what is in it.
        ["namespaces", name, "status" | "finalize"] | ["namespaces", name] => (Some(name), parts),
        ["namespaces", name, ref within @ ..] => (Some(name), within),
        _ => (None, parts),
    };
    let (resource, name, part) = match *parts {
        [resource] => (resource, None, None),
        [resource, name] => (resource, Some(name), None),
        [resource, name, part, ..] => (resource, Some(name), Some(part)),
        [] => return None,
    };
    let watches =
        uri.query().unwrap_or_default().split('&').any(|pair| matches!(pair, "watch=true" | "watch=1" | "watch"));
    let verb = match (method.as_str(), name) {
        ("GET" | "HEAD", None) if watches => "watch",
        ("GET" | "HEAD", None) => "list",
        ("GET" | "HEAD", Some(_)) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", None) => "deletecollection",
        ("DELETE", Some(_)) => "delete",
        _ => return None,
    };
    Some(Asked::Resource {
        namespace: namespace.map(ToOwned::to_owned),
        group: group.to_owned(),
        resource: part.map_or_else(|| resource.to_owned(), |part| format!("{resource}/{part}")),
        verb,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GET", "/api/v1/namespaces/a/pods", "a pods list")]
    #[case("GET", "/api/v1/namespaces/a/pods?limit=5&watch=true&resourceVersion=3", "a pods watch")]
    #[case("GET", "/api/v1/pods", "- pods list")]
    #[case("GET", "/api/v1/namespaces/a/pods/p", "a pods get")]
    #[case("GET", "/api/v1/namespaces/a/pods/p/log?follow=true", "a pods/log get")]
    #[case("POST", "/api/v1/namespaces/a/pods/p/eviction", "a pods/eviction create")]
    #[case("POST", "/apis/apps/v1/namespaces/a/deployments", "a apps deployments create")]
    #[case("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "a apps deployments/scale patch")]
    #[case("PUT", "/apis/apps/v1/namespaces/a/deployments/d/status", "a apps deployments/status update")]
    #[case("DELETE", "/apis/apps/v1/namespaces/a/deployments/d", "a apps deployments delete")]
    #[case("DELETE", "/apis/apps/v1/namespaces/a/deployments?labelSelector=a", "a apps deployments deletecollection")]
    #[case("GET", "/api/v1/namespaces", "- namespaces list")]
    #[case("GET", "/api/v1/namespaces/a", "a namespaces get")]
    #[case("PUT", "/api/v1/namespaces/a/finalize", "a namespaces/finalize update")]
    #[case("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/c", "- rbac.authorization.k8s.io clusterroles get")]
    #[case("GET", "/api/v1/namespaces/a/services/s:http/proxy/some/path", "a services/proxy get")]
    #[case("GET", "/api/v1", "/api/v1 get")]
    #[case("GET", "/apis/apps/v1", "/apis/apps/v1 get")]
    #[case("GET", "/version", "/version get")]
    #[case("POST", "/", "/ post")]
    fn a_request_is_what_rbac_sees(#[case] method: &str, #[case] uri: &str, #[case] expected: &str) {
        let text = match asked(&method.parse().unwrap(), &uri.parse().unwrap()) {
            Asked::Path { path, verb } => format!("{path} {verb}"),
            Asked::Resource { namespace, group, resource, verb } => {
                let group = if group.is_empty() { String::new() } else { format!("{group} ") };
                format!("{} {group}{resource} {verb}", namespace.as_deref().unwrap_or("-"))
            }
        };
        assert_eq!(text, expected);
    }
}
