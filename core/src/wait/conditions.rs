//! Conditions of Kubernetes objects that bring-up and tests wait for.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Node, Pod},
};
use kube::{Api, Client, api::ListParams};
use serde_json::Value;

use super::{Check, WaitError, until};

/// Why a request brought nothing, in words: what the API answered, or that it did not answer.
pub fn words_of_api(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => format!("the API answered: {}", status.message),
        kube::Error::Api(status) => format!("the API answered: {} {}", status.code, status.reason),
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            // The outer errors only say which layer of the client noticed it.
            let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
            let cause = causes.last().map(ToString::to_string).unwrap_or_default();
            format!("the API does not answer: {cause}")
        }
        other => format!("ask the API: {other}"),
    }
}

/// Waits until the nodes of these names are there and every one is Ready. Others, which a test may add, do not count.
///
/// # Errors
/// When the limit passes first; the error names the nodes that are not Ready.
pub async fn nodes_ready(client: &Client, names: &[&str], limit: Duration) -> Result<(), WaitError> {
    until(format!("{} nodes Ready", names.len()), limit, async || look_at_nodes(client, names).await).await
}

/// One look at whether the nodes are there, Ready or not.
pub(crate) async fn look_at_registration(client: &Client, names: &[&str]) -> Check<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    match nodes.list_metadata(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let found: Vec<&str> = list.items.iter().filter_map(|node| node.metadata.name.as_deref()).collect();
            let missing = missing(names, &found);
            if missing.is_empty() { Check::Done(()) } else { Check::not_yet(not_registered(names, &missing)) }
        }
    }
}

/// One look at the nodes.
pub(crate) async fn look_at_nodes(client: &Client, names: &[&str]) -> Check<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    match nodes.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => judge(&list.items, names),
    }
}

fn judge(list: &[Node], names: &[&str]) -> Check<()> {
    let name = |node: &&Node| node.metadata.name.as_deref().is_some_and(|name| names.contains(&name));
    let ours: Vec<&Node> = list.iter().filter(name).collect();
    let found: Vec<&str> = ours.iter().filter_map(|node| node.metadata.name.as_deref()).collect();
    let missing = missing(names, &found);
    let unready: Vec<String> = ours.into_iter().filter_map(unready).collect();
    if missing.is_empty() && unready.is_empty() {
        return Check::Done(());
    }
    Check::not_yet(format!("{}; not Ready: {}", not_registered(names, &missing), unready.join("; ")))
}

fn missing<'a>(names: &[&'a str], found: &[&str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| !found.contains(name)).collect()
}

fn not_registered(names: &[&str], missing: &[&str]) -> String {
    let (all, there) = (names.len(), names.len() - missing.len());
    // While a cluster comes up, the figure says enough.
    let which = if missing.len() > 3 { String::new() } else { missing.join(", ") };
    let which = if which.is_empty() { which } else { format!(", missing: {which}") };
    format!("{there} of {all} nodes registered{which}")
}

/// The node's name and why it is not Ready, or `None` where it is.
fn unready(node: &Node) -> Option<String> {
    let name = node.metadata.name.clone().unwrap_or_default();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition.type_ == "Ready"));
    match ready {
        Some(condition) if condition.status == "True" => None,
        Some(condition) => Some(format!("{name} ({})", condition.message.clone().unwrap_or_default())),
        None => Some(format!("{name} (no status yet)")),
    }
}

/// Waits until a Deployment's newest version is rolled out and all its replicas are available.
///
/// # Errors
/// When the limit passes first.
pub async fn deployment_available(
    client: &Client,
    namespace: &str,
    name: &str,
    limit: Duration,
) -> Result<Deployment, WaitError> {
    let what = format!("Deployment {namespace}/{name} available");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    until(what, limit, async || match deployments.get(name).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(deployment) => rolled_out(deployment),
    })
    .await
}

fn rolled_out(deployment: Deployment) -> Check<Deployment> {
    let wanted = wanted_replicas(&deployment);
    let status = deployment.status.clone().unwrap_or_default();
    let [updated, available, all] =
        [status.updated_replicas, status.available_replicas, status.replicas].map(Option::unwrap_or_default);
    let observed = status.observed_generation >= deployment.metadata.generation;
    if observed && updated == wanted && available == wanted && all == wanted {
        return Check::Done(deployment);
    }
    Check::not_yet(format!("{available} of {wanted} available, {updated} updated, {all} in all"))
}

/// What a Deployment asks for. Read from its JSON: whether a field is an `Option` differs between the versions of
/// Kubernetes that the user's crate may have chosen for `k8s-openapi`.
fn wanted_replicas(deployment: &Deployment) -> i32 {
    let fields = serde_json::to_value(deployment).unwrap_or_default();
    fields.pointer("/spec/replicas").and_then(Value::as_i64).and_then(|wanted| wanted.try_into().ok()).unwrap_or(1)
}

/// One look at whether a Deployment serves: Kubernetes' own `Available`, which a missing replica need not end. A second
/// replica is often 10 s behind the first, because a kubelet spreads the first looks at readiness over that time.
pub(crate) async fn look_at_service(client: &Client, namespace: &str, name: &str) -> Check<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment = match deployments.get(name).await {
        Err(error) => return Check::not_yet(words_of_api(&error)),
        Ok(deployment) => deployment,
    };
    let status = deployment.status.unwrap_or_default();
    let observed = status.observed_generation >= deployment.metadata.generation;
    let conditions = serde_json::to_value(status.conditions).unwrap_or_default();
    let is_it = |condition: &&Value| condition["type"] == "Available";
    match conditions.as_array().and_then(|conditions| conditions.iter().find(is_it)) {
        Some(condition) if observed && condition["status"] == "True" => Check::Done(()),
        Some(condition) => Check::not_yet(format!("{name}: {}", condition["message"].as_str().unwrap_or_default())),
        None => Check::not_yet(format!("{name}: no status yet")),
    }
}

/// Waits until a pod is Ready.
///
/// # Errors
/// When the limit passes first; the error has the pod's phase and what its containers wait for.
pub async fn pod_running(client: &Client, namespace: &str, name: &str, limit: Duration) -> Result<Pod, WaitError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    until(format!("pod {namespace}/{name} Ready"), limit, async || match pods.get(name).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(pod) => {
            let status = pod.status.clone().unwrap_or_default();
            let ready = status.conditions.unwrap_or_default().iter().any(|c| c.type_ == "Ready" && c.status == "True");
            if ready {
                return Check::Done(pod);
            }
            let waiting = status.container_statuses.unwrap_or_default().into_iter().filter_map(|container| {
                let waiting = container.state?.waiting?;
                Some(format!("{}: {} {}", container.name, waiting.reason?, waiting.message.unwrap_or_default()))
            });
            let phase = status.phase.unwrap_or_default();
            Check::not_yet(format!("{phase} {}", waiting.collect::<Vec<_>>().join("; ")))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::io;

    use kube::core::Status;
    use serde_json::json;

    use super::*;

    fn node(name: &str, ready: &str) -> Node {
        let status = json!({ "conditions": [{ "type": "Ready", "status": ready, "message": "PLEG" }] });
        serde_json::from_value(json!({ "metadata": { "name": name }, "status": status })).unwrap()
    }

    #[test]
    fn nodes_that_tests_add_do_not_count() {
        let list = [node("a", "True"), node("b", "True"), node("kwok-0", "False"), node("kwok-1", "Unknown")];
        assert_eq!(judge(&list, &["a", "b"]), Check::Done(()));
    }

    #[test]
    fn a_node_that_is_missing_or_not_ready_is_named() {
        let Check::NotYet(text) = judge(&[node("a", "False"), node("kwok-0", "True")], &["a", "b"]) else {
            panic!("neither is Ready");
        };
        assert_eq!(text, "1 of 2 nodes registered, missing: b; not Ready: a (PLEG)");
    }

    #[test]
    fn only_an_answer_is_called_one() {
        let status = Status::failure("nodes is forbidden", "Forbidden").with_code(403);
        assert_eq!(words_of_api(&kube::Error::Api(Box::new(status))), "the API answered: nodes is forbidden");
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let words = words_of_api(&kube::Error::Service(Box::new(refused)));
        assert_eq!(words, "the API does not answer: connection refused");
    }
}
