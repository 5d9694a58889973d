//! What bring-up makes of the engine's world: its networks, its kernel, and API servers that cannot do something yet.

use kind_core::{
    provision::destroy,
    spec::{ClusterSpec, KubeProxyMode, NetworkPools, instance_labels},
};
use kind_engine::{Engine as _, FakeEngine, Labels, NetworkFacts, NetworkSpec, Outcome};

use crate::{blueprint, bring_up, engine};

/// The network that the engine has for the cluster.
async fn network(engine: &FakeEngine) -> NetworkFacts {
    let mut networks = engine.networks(&Labels::new()).await.expect("the fake engine answers");
    networks.retain(|network| network.name == "kind-rs-demo");
    assert_eq!(networks.len(), 1);
    networks.remove(0)
}

#[tokio::test]
async fn the_network_has_the_default_networks_mtu_and_a_range_of_its_own() {
    const MTU: &str = "com.docker.network.driver.mtu";
    let engine = engine();
    let options =
        [(MTU.to_owned(), "1400".to_owned()), ("com.docker.network.bridge.name".to_owned(), "docker0".to_owned())];
    let default = NetworkSpec {
        name: "bridge".to_owned(),
        subnets: vec!["198.18.0.0/17".parse().unwrap()],
        options: options.into(),
        ..NetworkSpec::default()
    };
    engine.create_network(&default).await.unwrap();
    bring_up(&engine, &blueprint(ClusterSpec::default())).await.0.unwrap();
    let found = network(&engine).await;
    assert_eq!(found.options, [(MTU.to_owned(), "1400".to_owned())].into());
    assert!(found.subnets[0].to_string().starts_with("198.18.") && found.subnets[0].prefix_len() == 26, "{found:?}");
    // The other half is Services'.
    let of_containers = format!("network kind-rs-demo {} of which {}/27", found.subnets[0], found.subnets[0].addr());
    assert!(engine.calls().contains(&of_containers), "{of_containers}");
}

#[tokio::test]
async fn a_range_that_somebody_takes_meanwhile_is_no_failure_and_without_any_it_is_said() {
    let engine = engine();
    let mut blueprint = blueprint(ClusterSpec::single_node());
    bring_up(&engine, &blueprint).await.0.unwrap();
    let first = network(&engine).await.subnets[0];
    destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();
    // The same name begins with the same range, which the engine refuses once without telling of it beforehand.
    engine.when(
        &format!("network kind-rs-demo {first}"),
        Outcome::Refuse("invalid pool request: Pool overlaps with other one on this address space".into()),
    );
    bring_up(&engine, &blueprint).await.0.unwrap();
    assert_ne!(network(&engine).await.subnets[0], first);
    destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();

    // The pods' own range.
    blueprint.pools = "10.244.0.0/18".parse().unwrap();
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    let text = error.source.to_string();
    assert!(text.contains("10.244.0.0/18") && text.contains("KIND_TEST_NETWORKS"), "{text}");
    assert_eq!(engine.left(), Vec::<String>::new());
    blueprint.pools = NetworkPools::Engine;
    bring_up(&engine, &blueprint).await.0.unwrap();
    let calls = engine.calls();
    assert!(calls.iter().any(|call| call == "network kind-rs-demo"), "{calls:?}");
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn what_a_test_serves_at_a_nodes_gateway_is_reached_without_a_proxy() {
    for pools in [NetworkPools::default(), NetworkPools::Engine] {
        let engine = engine();
        let mut blueprint = blueprint(ClusterSpec::default());
        (blueprint.pools, blueprint.proxy.https) = (pools, Some("http://proxy.example.com:3128".to_owned()));
        bring_up(&engine, &blueprint).await.0.unwrap();
        let range = network(&engine).await.subnets[0].to_string();
        for node in ["demo-control-plane", "demo-worker"] {
            let environment = engine.made_of(node).environment;
            let exceptions = environment["NO_PROXY"].split(',').collect::<Vec<_>>();
            assert!(exceptions.contains(&range.as_str()), "{range} {exceptions:?}");
        }
        std::fs::remove_dir_all(&blueprint.logs).ok();
    }
}

#[tokio::test]
async fn ipvs_is_refused_where_the_node_image_has_no_ipset() {
    let engine = engine();
    engine.add_image("with:1", &[("io.kind-rs.features", "on-link-pods,load-balancer,ipvs")]);
    let mut spec = ClusterSpec::single_node();
    spec.networking.kube_proxy_mode = KubeProxyMode::Ipvs;
    let mut blueprint = blueprint(spec);
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.step, "check and plan");
    assert!(error.source.to_string().contains("has no `ipset`"), "{}", error.source);
    assert_eq!(engine.left(), Vec::<String>::new());

    // Where only a node can tell whether the kernel has what it needs.
    blueprint.image = "with:1".into();
    bring_up(&engine, &blueprint).await.0.unwrap();
    destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();
    engine.when("exec demo-control-plane test -e /proc/net/ip_vs", Outcome::Exit(1, String::new()));
    bring_up(&engine, &blueprint).await.0.unwrap();
    destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();
    engine.when("exec demo-control-plane modprobe", Outcome::Exit(1, "modprobe: FATAL: Module ip_vs not found".into()));
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.source.to_string().contains("has no module ip_vs"), "{}", error.source);
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test(start_paused = true)]
async fn what_an_api_server_cannot_do_at_the_moment_is_tried_again() {
    let engine = engine();
    engine.when("default-storage.yaml", Outcome::Exit(1, "Error from server: etcdserver: leader changed".into()));
    let blueprint = blueprint(ClusterSpec::single_node());
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.step, "install storage");
    let text = error.source.to_string();
    assert!(
        text.starts_with("wait for the default storage class: not there after") && text.contains("leader changed"),
        "{text}"
    );
    let tries = engine.calls().iter().filter(|call| call.contains("default-storage.yaml")).count();
    assert!(tries > 10, "{tries}");
    std::fs::remove_dir_all(&blueprint.logs).ok();
}
