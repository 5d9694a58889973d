//! Which clusters of somebody else are taken, and what is said of those that are not.

use rstest::rstest;

use super::*;

fn kubeconfig(current: &str, context_cluster: &str, user: &str) -> Kubeconfig {
    Kubeconfig::from_yaml(&format!(
        "{{apiVersion: v1, kind: Config, current-context: '{current}', \
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}], users: [{{name: u, user: {{}}}}], \
         contexts: [{{name: dev, context: {{cluster: {context_cluster}, user: {user}}}}}]}}"
    ))
    .unwrap()
}

#[rstest]
#[case(kubeconfig("dev", "c", "u"), Ok("dev"))]
#[case(kubeconfig("", "c", "u"), Err("no current context; `kubectl config use-context` sets one of: dev"))]
#[case(kubeconfig("prod", "c", "u"), Err("current context \"prod\" is not there; there are: dev"))]
#[case(kubeconfig("dev", "x", "u"), Err("names cluster \"x\""))]
#[case(kubeconfig("dev", "c", "x"), Err("names user \"x\""))]
fn a_context_that_leads_nowhere_is_told(#[case] kubeconfig: Kubeconfig, #[case] expected: Result<&str, &str>) {
    match (current_context(&kubeconfig), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
        other => panic!("{other:?}"),
    }
}

fn nodes(control_planes: usize, workers: usize) -> Vec<NodeRecord> {
    let node = |role| NodeRecord {
        name: NodeName::existing("n".to_owned()),
        role,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secondary_address: None,
    };
    let workers = std::iter::repeat_n(node(Role::Worker), workers);
    std::iter::repeat_n(node(Role::ControlPlane), control_planes).chain(workers).collect()
}

#[rstest]
#[case(false, ClusterSpec::default(), (0, 1), None)]
#[case(true, ClusterSpec::default(), (3, 2), None)]
#[case(true, ClusterSpec::default(), (1, 2), Some("it asks for 3 control planes and 1 worker, and finds 1 and 2"))]
#[case(true, ClusterSpec::single_node().workers(2), (0, 3), None)]
#[case(true, ClusterSpec::single_node().workers(2), (1, 1), Some("it asks for 1 control plane and 2 workers, and finds 1 and 1"))]
#[case(true, ClusterSpec::single_node().image("node:v1"), (1, 0), Some("made to measure"))]
fn a_shape_is_a_lower_bound_and_nothing_but_numbers(
    #[case] is_asked_for: bool,
    #[case] spec: ClusterSpec,
    #[case] (control_planes, workers): (usize, usize),
    #[case] expected: Option<&str>,
) {
    let reason = unfit(&Wanted { spec, is_asked_for }, &nodes(control_planes, workers));
    match (&reason, expected) {
        (None, None) => {}
        (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case("kind-demo", "kind-demo")]
#[case("arn:aws:eks:eu-central-1:123456789012:cluster/Orders", "central-1-123456789012-cluster-orders")]
#[case("日本", "existing")]
fn any_context_gives_a_name(#[case] context: &str, #[case] expected: &str) {
    assert_eq!(name(context).as_str(), expected);
}

#[test]
fn a_command_can_be_copied_into_a_shell() {
    assert_eq!(quoted(&"/home/a/.kube/config"), "/home/a/.kube/config");
    assert_eq!(quoted(&"it's $HOME"), r"'it'\''s $HOME'");
}

#[test]
fn nodes_are_told_apart_by_the_label_that_kubeadm_sets() {
    let of = |labels: serde_json::Value| {
        let address = serde_json::json!([{ "type": "Hostname", "address": "n" }, { "type": "InternalIP", "address": "10.0.0.7" }]);
        let status = serde_json::json!({ "addresses": address });
        let json = serde_json::json!({ "metadata": { "name": "n", "labels": labels }, "status": status });
        node(&serde_json::from_value(json).unwrap()).unwrap()
    };
    let control_plane = of(serde_json::json!({ CONTROL_PLANE: "" }));
    assert_eq!((control_plane.role, control_plane.address), (Role::ControlPlane, IpAddr::from([10, 0, 0, 7])));
    assert_eq!(of(serde_json::json!({})).role, Role::Worker);
}
