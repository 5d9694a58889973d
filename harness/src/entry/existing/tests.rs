//! Which clusters of somebody else are taken, and what is said of those that are not.

use kind_core::spec::{ClusterSpec, Proxy};
use kube::config::Kubeconfig;
use rstest::rstest;

use super::{
    context::{current_context, quoted},
    *,
};

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
    let node = |role| NodeRecord::new(NodeName::existing("n".to_owned()), role, IpAddr::V4(Ipv4Addr::LOCALHOST));
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
    let reason = unfit(&Wanted { spec, is_asked_for, prepared: None }, &nodes(control_planes, workers));
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

fn named(server: &str, proxy_url: &str) -> Named {
    let kubeconfig = Kubeconfig::from_yaml(&format!(
        "{{current-context: dev, clusters: [{{name: c, cluster: {{server: '{server}', proxy-url: '{proxy_url}'}}}}], \
         contexts: [{{name: dev, context: {{cluster: c}}}}]}}"
    ))
    .unwrap();
    Named { from: "F".to_owned(), context: "dev".to_owned(), kubeconfig, kubectl: String::new() }
}

#[rstest]
#[case::loopback("https://127.0.0.1:6443", "", None, "")]
#[case::named("https://api.corp.local:6443", "", None, "")]
#[case::range("https://169.254.1.1", "", None, "")]
#[case::elsewhere("https://api.example.com", "", Some("HTTPS_PROXY"), "http://user:p%5Ess@proxy.example.com:3128")]
#[case::of_the_kubeconfig("https://127.0.0.1:6443", "http://own:1", Some("its proxy-url"), "http://own:1")]
fn a_proxy_is_used_only_where_one_is_needed(
    #[case] server: &str,
    #[case] proxy_url: &str,
    #[case] through: Option<&str>,
    #[case] expected: &str,
) {
    let proxies = Proxy {
        http: None,
        https: Some("user:p^ss@proxy.example.com:3128/".to_owned()),
        exceptions: Some("*.local, 169.254/16,".to_owned()),
    };
    let mut named = named(server, proxy_url);
    assert_eq!(named.choose_way(&proxies).unwrap(), through);
    let found = named.kubeconfig.clusters[0].cluster.as_ref().unwrap().proxy_url.clone().unwrap_or_default();
    assert_eq!(found, expected);
    assert_eq!(named.choose_way(&Proxy::default()).unwrap().is_some(), !expected.is_empty());
}

#[test]
fn a_server_that_is_no_url_is_told() {
    let error = named("https://a b", "").choose_way(&Proxy::default()).unwrap_err().to_string();
    assert!(error.contains("\"https://a b\" is no URL"), "{error}");
}

#[test]
fn a_proxy_that_kube_cannot_use_is_told_without_its_password() {
    let proxy_url = Box::new("http://user:secret@proxy:1".parse().unwrap());
    let error = kube::Error::ProxyProtocolDisabled { proxy_url, protocol_feature: "kube/http-proxy" };
    let text = ExistingError::client("F", "https://api (through the proxy of HTTPS_PROXY)", error).to_string();
    assert!(text.contains("--features http-proxy`") && text.contains("NO_PROXY"), "{text}");
    let proxy_url = Box::new("ftp://user:secret@proxy:1".parse().unwrap());
    let error = kube::Error::ProxyProtocolUnsupported { proxy_url };
    let other = ExistingError::client("F", "https://api", error);
    assert!(!format!("{text}{other}{other:?}").contains("secret"), "{text} {other:?}");
}

#[test]
fn a_kubeconfig_is_read_as_kubectl_reads_it_and_its_paths_count_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let text = "\u{feff}{current-context: dev, clusters: [{name: c, cluster: {server: 'https://a', certificate-authority: ca.crt}}], \
                users: [{name: u, user: {tokenFile: /abs, client-key: k, exec: {command: bin/x}}}, \
                {name: v, user: {exec: {command: x}}}], \
                contexts: [{name: dev, context: {cluster: c, user: u}}]}\n---\nfoo: [\n";
    std::fs::write(&path, text).unwrap();
    let settings = Settings::from_environment().unwrap();
    let named = Named::find(&ExistingCluster::File(path.clone()), &settings).unwrap();
    let at = |name: &str| Some(folder.path().join(name).display().to_string());
    assert_eq!(named.kubeconfig.clusters[0].cluster.as_ref().unwrap().certificate_authority, at("ca.crt"));
    let user = |index: usize| named.kubeconfig.auth_infos[index].auth_info.clone().unwrap();
    assert_eq!((user(0).token_file, user(0).client_key), (Some("/abs".to_owned()), at("k")));
    assert_eq!((user(0).exec.unwrap().command, user(1).exec.unwrap().command), (at("bin/x"), Some("x".to_owned())));
    std::fs::write(&path, "---\n").unwrap();
    let empty = Named::find(&ExistingCluster::File(path), &settings).err().unwrap().to_string();
    assert!(empty.contains("no current context"), "{empty}");
    let odd = Named::find(&ExistingCluster::File("/dev/null".into()), &settings).err().unwrap();
    assert!(std::error::Error::source(&odd).unwrap().to_string().contains("/dev/null"));
}
