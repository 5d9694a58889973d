//! Who owns a cluster's name, and what a creation that fails may touch.

use std::{sync::Arc, time::Duration};

use kind_core::{
    provision::{Blueprint, Creation, StepError, destroy_named},
    spec::{ClusterSpec, LABEL_CLUSTER, LABEL_INSTANCE, Registry, cluster_labels, instance_labels},
};
use kind_engine::{ContainerSpec, Engine as _, FakeEngine, Labels, NetworkSpec, Outcome};

use super::{IMAGE, blueprint, bring_up, engine};

/// How long a request takes.
const REQUEST: Duration = Duration::from_millis(10);

/// An engine that takes its time for everything.
fn slow() -> Arc<FakeEngine> {
    let engine = engine();
    engine.when("", Outcome::After(REQUEST));
    engine.when("cat /kind/version", Outcome::Print("v1.37.2\n".into()));
    engine
}

/// Does something so much later.
async fn after<T>(delay: Duration, work: impl Future<Output = T>) -> T {
    let _ = tokio::time::timeout(delay, std::future::pending::<()>()).await;
    work.await
}

async fn run(engine: &FakeEngine, name: &str, network: &str, labels: Labels) {
    let (name, network) = (name.to_owned(), network.to_owned());
    engine
        .run_container(&ContainerSpec { name, network, labels, ..ContainerSpec::default() })
        .await
        .expect("the fake engine does as it is told");
}

async fn network(engine: &FakeEngine, labels: Labels) -> String {
    let spec = NetworkSpec { name: "kind-rs-demo".to_owned(), labels, ..NetworkSpec::default() };
    engine.create_network(&spec).await.expect("the fake engine does as it is told")
}

/// The instances of everything on the engine.
async fn instances(engine: &FakeEngine) -> Vec<String> {
    let all = Labels::new();
    let containers =
        engine.containers(&all).await.expect("the fake engine does as it is told").into_iter().map(|one| one.labels);
    let networks =
        engine.networks(&all).await.expect("the fake engine does as it is told").into_iter().map(|one| one.labels);
    let volumes =
        engine.volumes(&all).await.expect("the fake engine does as it is told").into_iter().map(|one| one.labels);
    let all = containers.chain(networks).chain(volumes);
    let mut instances: Vec<String> = all.map(|labels| labels[LABEL_INSTANCE].clone()).collect();
    instances.sort();
    instances.dedup();
    instances
}

#[tokio::test(start_paused = true)]
async fn of_two_creations_of_one_name_one_wins_and_the_other_touches_nothing() {
    for unique in [false, true] {
        for offset in (0..200).step_by(6).map(Duration::from_millis) {
            let engine = slow();
            if unique {
                engine.keep_network_names_unique();
            }
            // Of different shapes: what decides is the same for all.
            let one = blueprint(ClusterSpec::single_node().workers(1));
            let other = blueprint(ClusterSpec::default());
            let (left, right) = futures::future::join(
                Box::pin(bring_up(&engine, &one)),
                after(offset, Box::pin(bring_up(&engine, &other))),
            )
            .await;
            let (won, lost) = match (left.0, right.0) {
                (Ok(record), Err(error)) | (Err(error), Ok(record)) => (record, error),
                (left, right) => panic!("after {offset:?}: {left:?} and {right:?}"),
            };
            assert!(matches!(lost.source, StepError::NameTaken { .. }), "after {offset:?}: {lost:?}");
            assert_eq!(lost.logs, None);
            assert_eq!(instances(&engine).await, [won.instance.unwrap().to_string()], "after {offset:?}");
            let containers =
                engine.left().iter().filter(|name| name.starts_with("demo-") && !name.contains(':')).count();
            assert_eq!(containers, won.nodes.len() + usize::from(won.load_balancer.is_some()));
            // Once a name was free, it is again.
            destroy_named(&*engine, &one.name).await.unwrap();
            assert_eq!(engine.left(), Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_the_real_kind_that_comes_first_is_left_alone() {
    for offset in (0..80).step_by(5).map(Duration::from_millis) {
        let engine = slow();
        let labels: Labels = [(LABEL_CLUSTER.to_owned(), "demo".to_owned())].into();
        let theirs = ContainerSpec { name: "demo-control-plane".to_owned(), labels, ..ContainerSpec::default() };
        let blueprint = blueprint(ClusterSpec::default());
        let (ours, theirs) =
            futures::future::join(bring_up(&engine, &blueprint), after(offset, engine.run_container(&theirs))).await;
        match theirs {
            Ok(_) => {
                let error = ours.0.unwrap_err();
                assert!(matches!(error.source, StepError::NameTaken { .. }), "after {offset:?}: {error:?}");
                assert_eq!(engine.left(), ["demo-control-plane"], "after {offset:?}");
            }
            Err(error) => {
                assert!(error.is_container_taken(), "{error}");
                ours.0.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_a_dead_creation_left_blocks_no_name() {
    let engine = engine();
    engine.keep_network_names_unique();
    let blueprint = blueprint(ClusterSpec::single_node());
    let mut dead = cluster_labels(&blueprint.name);
    dead.extend(instance_labels(Creation::new().instance()));
    let left = network(&engine, dead).await;
    run(&engine, "guest", &left, Labels::new()).await;
    bring_up(&engine, &blueprint).await.0.unwrap();
    assert_eq!(engine.attached("kind-rs-demo"), ["demo-control-plane"], "the guest is disconnected");
    assert_eq!(engine.left(), ["guest", "demo-control-plane", "kind-rs-demo", "demo-control-plane:/var"]);
}

#[tokio::test]
async fn a_strangers_network_of_the_same_name_stays_and_harms_nobody() {
    let engine = engine();
    network(&engine, Labels::new()).await;
    let blueprint = blueprint(ClusterSpec::single_node());
    bring_up(&engine, &blueprint).await.0.unwrap();
    let own = format!("kind-rs-demo-{}", blueprint.creation.instance());
    assert_eq!(engine.attached(&own), ["demo-control-plane"]);
    assert!(engine.left().contains(&"kind-rs-demo".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn who_is_deleted_before_it_has_a_container_that_runs_ends() {
    let engine = engine();
    engine.when("network kind-rs-demo", Outcome::After(Duration::from_secs(1)));
    let blueprint = blueprint(ClusterSpec::single_node());
    let deleted = after(REQUEST * 20, destroy_named(&*engine, &blueprint.name));
    let (made, deleted) = futures::future::join(bring_up(&engine, &blueprint), deleted).await;
    assert_eq!(deleted.unwrap().names, ["demo-control-plane"]);
    let error = made.0.unwrap_err();
    assert!(matches!(error.source, StepError::Deleted { .. }), "{error:?}");
    assert_eq!(engine.left(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_is_being_deleted_does_not_say_that_the_name_is_taken() {
    let engine = engine();
    // The removal takes its time, and the name is taken until it ends.
    engine.when("remove demo-control-plane", Outcome::Elsewhere);
    let error = bring_up(&engine, &blueprint(ClusterSpec::single_node())).await.0.unwrap_err();
    assert!(matches!(error.source, StepError::Deleted { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_deleted_and_followed_by_another_does_nothing_to_that_one() {
    let engine = engine();
    engine.when("systemctl start", Outcome::After(Duration::from_secs(1)));
    let one = blueprint(ClusterSpec::single_node());
    let other = async {
        destroy_named(&*engine, &one.name).await.unwrap();
        let mut labels = cluster_labels(&one.name);
        labels.extend(instance_labels(Creation::new().instance()));
        run(&engine, "demo-control-plane", "", labels).await;
        engine.calls().len()
    };
    let (failed, before) = futures::future::join(Box::pin(bring_up(&engine, &one)), after(REQUEST * 20, other)).await;
    failed.0.unwrap_err();
    assert_eq!(engine.left(), ["demo-control-plane"]);
    let calls = engine.calls().split_off(before);
    // An identifier that is gone is no name.
    let by_name = |call: &String| call.contains("demo-control-plane") && !call.contains("demo-control-plane#");
    assert!(!calls.iter().any(by_name), "{calls:?}");
}

#[tokio::test]
async fn a_container_that_has_a_name_or_port_of_the_cluster_is_named_before_anything_is_made() {
    let spec = ClusterSpec::single_node().workers(1);
    let with_registry = |port| {
        let mut spec = spec.clone().registry();
        spec.registry = spec.registry.map(|registry| Registry { port, ..registry });
        spec
    };
    for (container, spec, words) in [
        (
            "demo-worker",
            spec.clone(),
            "a container named demo-worker is there already, and the cluster needs that name;",
        ),
        ("demo-registry", with_registry(None), "needs that name for its registry; remove or rename that container"),
        ("any", with_registry(Some(5001)), "registry.port: port 5001 on 127.0.0.1 is taken by container any; choose"),
    ] {
        let engine = engine();
        engine.add_image(IMAGE, &[("io.kind-rs.features", "on-link-pods,load-balancer,registry")]);
        let taken = ContainerSpec {
            name: container.to_owned(),
            ports: vec![kind_engine::PortMapping {
                container_port: 5000,
                host_port: Some(5001),
                listen_address: [127, 0, 0, 1].into(),
                protocol: kind_engine::Protocol::Tcp,
            }],
            ..ContainerSpec::default()
        };
        engine.run_container(&taken).await.unwrap();
        let blueprint = Blueprint { image: "with:1".into(), ..blueprint(spec) };
        engine.add_image("with:1", &[("io.kind-rs.features", "on-link-pods,load-balancer,registry")]);
        let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
        assert_eq!(error.step, "check and plan");
        assert!(error.source.to_string().contains(words), "{}", error.source);
        assert_eq!(engine.left(), [container]);
    }
}

/// The engine carries out what it was asked for, also where another request failed meanwhile.
#[tokio::test(start_paused = true)]
async fn what_was_under_way_when_a_step_failed_goes_too() {
    let engine = engine();
    engine.when("run demo-external-load-balancer", Outcome::After(Duration::from_secs(5)));
    engine.when("run demo-worker", Outcome::Refuse("no command specified".into()));
    let blueprint = blueprint(ClusterSpec::default());
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.source.to_string().contains("no command specified"), "{}", error.source);
    assert!(!error.to_string().contains("could not be removed"), "{error}");
    assert!(engine.calls().contains(&"remove demo-external-load-balancer".to_owned()), "{:?}", engine.calls());
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(&blueprint.logs).ok();
}
