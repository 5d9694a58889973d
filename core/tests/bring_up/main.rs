//! Bring-up against an engine in memory: the order of the steps, what a failure says, and what is left after it.

mod ownership;

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use kind_core::{
    cluster::ClusterRecord,
    provision::{Blueprint, Creation, Deadline, Event, Progress, ProvisionError, destroy, provision},
    spec::{ClusterName, ClusterSpec, Manifest, Mirror, NetworkPools, Proxy, Registry, instance_labels},
};
use kind_engine::{Engine, FakeEngine, Labels, Outcome};

mod world;

const IMAGE: &str = "node:test";

#[derive(Default)]
struct Recorded(Mutex<Vec<Event>>);

impl Progress for Recorded {
    fn event(&self, event: Event) {
        self.0.lock().expect("no test panics while it holds this").push(event);
    }
}

impl Recorded {
    fn finished(&self) -> Vec<&'static str> {
        let events = self.0.lock().expect("no test panics while it holds this");
        events
            .iter()
            .filter_map(|event| if let Event::Finished { step, .. } = event { Some(*step) } else { None })
            .collect()
    }
}

fn engine() -> Arc<FakeEngine> {
    let engine = FakeEngine::default();
    engine.add_image(IMAGE, &[("io.kind-rs.features", "on-link-pods,load-balancer")]);
    engine.when("cat /kind/version", Outcome::Print("v1.37.2\n".into()));
    Arc::new(engine)
}

fn blueprint(spec: ClusterSpec) -> Blueprint {
    Blueprint {
        name: ClusterName::new("demo").expect("a valid name"),
        creation: Creation::new(),
        spec,
        image: IMAGE.into(),
        origin: None,
        load_balancer_image: None,
        labels: Labels::from([("extra".to_owned(), "yes".to_owned())]),
        retain: false,
        deadline: None,
        wait: None,
        pools: NetworkPools::default(),
        proxy: Proxy::default(),
        logs: std::env::temp_dir().join(format!("kind-harness-bring-up-{}", std::process::id())),
    }
}

async fn bring_up(
    engine: &Arc<FakeEngine>,
    blueprint: &Blueprint,
) -> (Result<ClusterRecord, ProvisionError>, Recorded) {
    let progress = Recorded::default();
    let engine: Arc<dyn Engine> = engine.clone();
    (provision(engine, blueprint, &progress).await, progress)
}

#[tokio::test]
async fn steps_come_in_order_and_every_control_plane_is_made_by_kubeadm() {
    let engine = engine();
    let (record, progress) = bring_up(&engine, &blueprint(ClusterSpec::default())).await;
    let record = record.unwrap();
    assert_eq!(record.kubernetes_version, "v1.37.2");
    assert_eq!(record.nodes.len(), 4);
    assert!(record.server.starts_with("https://127.0.0.1:"), "{}", record.server);
    let finished = progress.finished();
    let early =
        ["check and plan", "create the network", "start the containers", "boot the nodes", "start the control planes"];
    assert_eq!(finished[..5], early);
    assert!(finished[5..].contains(&"join the nodes") && finished[5..].contains(&"install storage"), "{finished:?}");

    // A look at the engine's host comes before the work, in a container that is no node.
    let calls: Vec<String> = engine.calls().into_iter().filter(|call| !call.contains("-probe")).collect();
    let count = |part: &str| calls.iter().filter(|call| call.contains(part)).count();
    assert_eq!(count("kubeadm init"), 3);
    assert_eq!(count("kubeadm join"), 3);
    assert_eq!(count("run demo-"), 5);
    let position = |part: &str| calls.iter().position(|call| call.contains(part)).unwrap();
    assert!(position("network kind-rs-demo") < position("run demo-"));
    assert!(position("write demo-worker /kind/kubeadm.conf") < position("kubeadm init"));
}

#[tokio::test]
async fn a_single_node_needs_no_load_balancer_and_no_join() {
    let engine = engine();
    bring_up(&engine, &blueprint(ClusterSpec::single_node())).await.0.unwrap();
    let calls = engine.calls();
    assert!(!calls.iter().any(|call| call.contains("load-balancer") || call.contains("kubeadm join")), "{calls:?}");
}

#[tokio::test]
async fn a_failed_join_names_step_and_node_and_leaves_nothing() {
    let engine = engine();
    engine.when("exec demo-worker kubeadm join", Outcome::Exit(1, "error: no route to host".into()));
    engine.when("exec demo-worker journalctl --no-pager --output cat", Outcome::Print("E1 node not found\n".into()));
    let printed = "password=abc, the proxy is http://me:proxypass@proxy, and tiger is known\n";
    engine.when("exec demo-worker journalctl --no-pager --output short", Outcome::Print(printed.into()));
    let secrets = r#"{"items":[{"data":{"password":"dGlnZXI="}}]}"#;
    engine.when("get secrets --all-namespaces", Outcome::Print(secrets.into()));
    let blueprint = blueprint(ClusterSpec::default());
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.step, "join the nodes");
    assert_eq!(error.node.as_ref().unwrap().as_str(), "demo-worker");
    assert!(error.source.to_string().contains("no route to host"), "{}", error.source);
    assert!(error.to_string().contains("E1 node not found"), "{error}");
    let logs = error.logs.expect("logs are kept");
    let kubelet = logs.join("demo-worker/kubelet.log");
    let expected = "password=<left out>, the proxy is http://me:<left out>@proxy, and <left out> is known\n";
    assert_eq!(std::fs::read_to_string(&kubelet).unwrap(), expected);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kubelet), mode(kubelet.parent().unwrap())), (0o600, 0o700));
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(blueprint.logs).unwrap();
}

#[tokio::test]
async fn every_step_that_fails_leaves_nothing() {
    for part in [
        "network kind-rs",
        "run demo-control-plane2",
        "run demo-external",
        "systemctl start",
        "cat /kind/version",
        "write demo-worker",
        "control-plane3 kubeadm init",
        "control-plane2 kubeadm join",
        "kubectl",
    ] {
        let engine = engine();
        engine.when(part, Outcome::Refuse("out of luck".into()));
        let blueprint = blueprint(ClusterSpec::default());
        let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
        assert!(error.source.to_string().contains("out of luck"), "{part}: {error}");
        assert_eq!(engine.left(), Vec::<String>::new(), "{part}");
        std::fs::remove_dir_all(&blueprint.logs).ok();
    }
}

#[tokio::test]
async fn retained_containers_stay_and_the_error_says_so() {
    let engine = engine();
    engine.when("kubeadm init", Outcome::Exit(1, "no".into()));
    let mut blueprint = blueprint(ClusterSpec::single_node());
    blueprint.retain = true;
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.to_string().contains("were left for a look"), "{error}");
    assert_eq!(engine.left(), ["demo-control-plane", "kind-rs-demo", "demo-control-plane:/var"]);
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn what_cannot_be_removed_is_told() {
    let engine = engine();
    engine.when("kubeadm init", Outcome::Exit(1, "no".into()));
    engine.when("remove demo-worker", Outcome::Refuse("the engine is gone".into()));
    let blueprint = blueprint(ClusterSpec::default());
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.to_string().contains("could not be removed: remove cluster demo"), "{error}");
    assert_eq!(engine.left(), ["demo-worker", "kind-rs-demo", "demo-worker:/var"]);
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_ends_at_its_limit() {
    let engine = engine();
    engine.when("kubeadm init", Outcome::Hang);
    let blueprint = blueprint(ClusterSpec::single_node());
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.step, "start the control planes");
    assert_eq!(error.source.to_string(), "not done within its limit of 303 s, still under way on demo-control-plane");
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_step_before_its_limit_and_names_what_hung() {
    let engine = engine();
    engine.when("exec demo-worker kubeadm join", Outcome::Hang);
    engine.when("exec demo-control-plane2 kubeadm join", Outcome::Hang);
    engine.when("kubectl", Outcome::Hang);
    let mut blueprint = blueprint(ClusterSpec::default());
    blueprint.deadline = Some(Deadline::after(Duration::from_secs(80)));
    let (outcome, progress) = bring_up(&engine, &blueprint).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.step, error.node.as_ref().unwrap().as_str()), ("join the nodes", "demo-control-plane2"));
    let expected = "not done within the 80 s that the whole creation has; under way were: join the nodes \
                    (demo-control-plane2, demo-worker), install storage";
    assert_eq!(error.source.to_string(), expected);
    assert_eq!(engine.left(), Vec::<String>::new());
    let events = progress.0.into_inner().unwrap();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Failed { .. })).count(), 2);
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test(start_paused = true)]
async fn with_a_deadline_a_step_may_take_longer_than_by_itself() {
    let engine = engine();
    engine.when("kubeadm init", Outcome::Hang);
    let mut blueprint = blueprint(ClusterSpec::single_node());
    blueprint.deadline = Some(Deadline::after(Duration::from_secs(1000)));
    let start = tokio::time::Instant::now();
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(start.elapsed() >= Duration::from_secs(1000), "{error}");
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn images_and_manifests_come_before_the_cluster_is_ready() {
    let engine = engine();
    engine.add_image("app:1", &[]);
    engine.when(
        "images list",
        Outcome::Print("sha256:app:1 type sha256:m\ndocker.io/library/app:1 type sha256:m".into()),
    );
    let mut spec = ClusterSpec::single_node().workers(1);
    spec.images.push("app:1".into());
    let content = Some("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n".into());
    spec.manifests.push(Manifest { path: "a.yaml".into(), content });
    let (made, progress) = bring_up(&engine, &blueprint(spec.clone())).await;
    made.unwrap();
    let finished = progress.finished();
    assert_eq!(finished.last(), Some(&"apply the manifests"), "{finished:?}");
    assert!(finished.contains(&"load the images"), "{finished:?}");
    assert!(engine.calls().iter().any(|call| call.contains("apply --server-side")), "{:?}", engine.calls());

    // What is missing is refused before anything is made.
    spec.images.push("absent:1".into());
    let engine = self::engine();
    engine.add_image("app:1", &[]);
    let error = bring_up(&engine, &blueprint(spec.clone())).await.0.unwrap_err();
    assert!(error.source.to_string().contains("the engine does not have absent:1"), "{}", error.source);
    assert_eq!(engine.left(), Vec::<String>::new());
    spec.images.clear();
    spec.manifests[0].content = None;
    let error = bring_up(&engine, &blueprint(spec)).await.0.unwrap_err();
    assert!(error.source.to_string().contains("manifest a.yaml is not read"), "{}", error.source);
}

#[tokio::test]
async fn everybody_finds_the_registry() {
    let engine = engine();
    engine.add_image("with:1", &[("io.kind-rs.features", "on-link-pods,load-balancer,registry")]);
    let mut spec = ClusterSpec::single_node().workers(1).registry();
    let mirror = Mirror { host: "docker.io".into(), url: "https://registry-1.docker.io".into() };
    spec.registry = spec.registry.map(|registry| Registry { mirrors: vec![mirror], ..registry });
    let mut blueprint = blueprint(spec);
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.source.to_string().contains("has no registry"), "{}", error.source);
    assert_eq!(engine.left(), Vec::<String>::new());

    (blueprint.image, blueprint.creation) = ("with:1".into(), Creation::new());
    let (made, progress) = bring_up(&engine, &blueprint).await;
    let port = made.unwrap().registry.expect("a port was chosen");
    assert!(progress.finished().contains(&"start the registry"));
    let calls = engine.calls();
    let has = |part: &str| calls.iter().any(|call| call.contains(part));
    assert!(has("run demo-registry") && has("run demo-mirror"), "{calls:?}");
    for node in ["demo-control-plane", "demo-worker"] {
        let written = calls.iter().find(|call| call.starts_with(&format!("write {node} /etc/containerd/certs.d")));
        let written = written.expect("every node is told");
        assert!(written.contains(&format!("localhost:{port}/hosts.toml")) && written.contains("docker.io/hosts.toml"));
    }
    assert!(has("exec demo-control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf apply"), "{calls:?}");
    assert!(engine.left().contains(&"demo-registry".to_owned()));
    destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn a_manifest_that_is_refused_is_named() {
    let engine = engine();
    engine.when("apply --server-side --filename -", Outcome::Exit(1, "error: it is no good".into()));
    let mut spec = ClusterSpec::single_node();
    spec.manifests.push(Manifest { path: "a.yaml".into(), content: Some("kind: X".into()) });
    let blueprint = blueprint(spec);
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.source.to_string(), "apply manifest a.yaml: error: it is no good");
    assert_eq!(engine.left(), Vec::<String>::new());
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn every_node_of_a_step_is_told() {
    let engine = engine();
    engine.when("exec demo-worker kubeadm join", Outcome::Exit(1, "no".into()));
    let blueprint = blueprint(ClusterSpec::default());
    let (_, progress) = bring_up(&engine, &blueprint).await;
    let events = progress.0.into_inner().unwrap();
    let of = |step: &str| {
        let mut nodes: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                Event::NodeFinished { step: of, node, .. } if *of == step => Some(node.to_string()),
                Event::NodeFailed { step: of, node, .. } if *of == step => Some(format!("{node} failed")),
                _ => None,
            })
            .collect();
        nodes.sort();
        nodes
    };
    let control_planes = ["demo-control-plane", "demo-control-plane2", "demo-control-plane3"];
    assert_eq!(of("start the containers").len(), 5);
    assert_eq!(of("boot the nodes").len(), 4);
    assert_eq!(of("start the control planes"), control_planes);
    assert!(of("join the nodes").contains(&"demo-worker failed".to_owned()), "{events:?}");
    std::fs::remove_dir_all(&blueprint.logs).ok();
}

#[tokio::test]
async fn a_name_that_is_taken_is_left_alone() {
    let engine = engine();
    let blueprint = blueprint(ClusterSpec::single_node());
    bring_up(&engine, &blueprint).await.0.unwrap();
    let before = engine.left();
    let again = Blueprint { creation: Creation::new(), ..blueprint };
    let error = bring_up(&engine, &again).await.0.unwrap_err();
    assert!(error.source.to_string().contains("exists already: demo-control-plane"), "{}", error.source);
    assert_eq!((error.step, engine.left()), ("check and plan", before));
}

#[tokio::test]
async fn a_missing_image_is_refused_before_anything_is_made() {
    let engine = Arc::new(FakeEngine::default());
    let error = bring_up(&engine, &blueprint(ClusterSpec::default())).await.0.unwrap_err();
    assert!(error.source.to_string().contains("kind-rs build node-image"), "{}", error.source);
    assert!(engine.calls().iter().all(|call| call.starts_with("image")), "{:?}", engine.calls());
}

#[tokio::test]
async fn an_image_that_cannot_balance_the_load_is_refused_unless_another_one_is_named() {
    let engine = engine();
    engine.add_image("kindest/node:test", &[]);
    let mut blueprint = Blueprint { image: "kindest/node:test".into(), ..blueprint(ClusterSpec::default()) };
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert!(error.source.to_string().contains("\"kindest/node:test\" has no nginx"), "{}", error.source);
    assert!(engine.calls().iter().all(|call| call.starts_with("image")), "{:?}", engine.calls());
    blueprint.load_balancer_image = Some(IMAGE.into());
    bring_up(&engine, &blueprint).await.0.unwrap();
    // One control plane needs none.
    blueprint = Blueprint {
        creation: Creation::new(),
        spec: ClusterSpec::single_node(),
        load_balancer_image: None,
        ..blueprint
    };
    blueprint.name = ClusterName::new("small").expect("a valid name");
    bring_up(&engine, &blueprint).await.0.unwrap();
}

#[tokio::test]
async fn destroying_twice_does_no_harm() {
    let engine = engine();
    let blueprint = blueprint(ClusterSpec::default());
    bring_up(&engine, &blueprint).await.0.unwrap();
    let removed = destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap();
    assert_eq!(removed.names.len(), 6, "{removed:?}");
    assert!(
        destroy(&*engine, &blueprint.name, &instance_labels(blueprint.creation.instance())).await.unwrap().is_empty()
    );
    assert!(engine.left().is_empty());
}

#[tokio::test]
async fn a_wait_that_runs_out_is_an_error() {
    let engine = engine();
    let mut blueprint = blueprint(ClusterSpec::single_node());
    // Nothing listens at the published port, so nothing ever becomes Ready.
    blueprint.wait = Some(Duration::from_millis(300));
    let error = bring_up(&engine, &blueprint).await.0.unwrap_err();
    assert_eq!(error.step, "wait for nodes, DNS and storage");
    assert!(error.source.to_string().contains("last seen"), "{}", error.source);
    std::fs::remove_dir_all(&blueprint.logs).ok();
}
