//! What is pulled, and what is refused before.

use std::sync::Mutex;

use kind_engine::{FakeEngine, Outcome};

use super::*;

fn pulls(engine: &FakeEngine) -> Vec<String> {
    engine.calls().into_iter().filter(|call| call.starts_with("pull")).collect()
}

#[tokio::test]
async fn our_own_image_comes_before_a_pull() {
    let engine = FakeEngine::default();
    engine.add_image("built", &[]);
    assert_eq!(Images::of(&engine).node(None, "built").await.unwrap(), "built");
    assert_eq!(pulls(&engine), Vec::<String>::new());
}

#[tokio::test]
async fn without_one_kinds_is_pulled_where_it_can_run() {
    let engine = FakeEngine::default();
    let error = Images::of(&engine).node(None, "built").await.unwrap_err();
    assert!(matches!(error, ImageError::ControlGroups { .. }), "{error}");
    assert_eq!(pulls(&engine), Vec::<String>::new());
    engine.set_cgroup_version(2);
    let heard = Mutex::new(Vec::new());
    let progress = |text: String| heard.lock().unwrap().push(text);
    let images = Images { progress: &progress, ..Images::of(&engine) };
    assert_eq!(images.node(None, "built").await.unwrap(), KIND_IMAGE);
    assert_eq!(heard.into_inner().unwrap(), [format!("pulling {KIND_IMAGE}: 1 of 2 MB")]);
}

#[tokio::test]
async fn a_wanted_image_that_cannot_be_had_is_an_error_with_advice() {
    let engine = FakeEngine::default();
    engine.add_image("built", &[]);
    engine.when("pull other", Outcome::Refuse("no such host".into()));
    let text = Images::of(&engine).node(Some("other"), "built").await.unwrap_err().to_string();
    assert!(text.contains("\"other\"") && text.contains("kind-rs build node-image"), "{text}");
}

#[test]
fn a_disk_is_looked_at_before_a_node_image_comes() {
    let room = |disk| Room { disk, folder: "/var/lib/docker".into(), ..Room::default() };
    assert!(lack(room(None)).is_none() && lack(room(Some(PULL_ROOM))).is_none());
    let shortage = lack(room(Some(700 << 20))).unwrap();
    let text = ImageError::NoRoom { reference: "kindest/node:1".to_owned(), shortage }.to_string();
    assert!(text.contains("\"kindest/node:1\": disk of /var/lib/docker: 700 MiB left, 2560 MiB needed"), "{text}");
}

#[tokio::test]
async fn a_wrong_tag_is_told_from_a_registry_out_of_reach() {
    let pull = async |message: &str| {
        let engine = FakeEngine::default();
        engine.when("pull", Outcome::Refuse(message.to_owned()));
        Images::of(&engine).node(Some("kindest/node:v1.99.0"), "built").await.unwrap_err().to_string()
    };
    let text = pull("manifest for kindest/node:v1.99.0 not found: manifest unknown: manifest unknown").await;
    assert!(text.contains("look at its name and tag") && !text.contains("kind-rs build"), "{text}");
    let text = pull("Get \"https://registry.example/v2/\": dial tcp: network is unreachable").await;
    assert!(text.contains("without a registry `kind-rs build node-image` builds one"), "{text}");
}

#[tokio::test]
async fn a_registry_gets_the_credentials_that_docker_login_left() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("config.json"), text).unwrap();
    write(r#"{"auths": {"localhost:5002": {"auth": "bWU6cHc="}}}"#);
    let engine = FakeEngine::default();
    let images = Images { docker_client: Some(folder.path()), ..Images::of(&engine) };
    images.node(Some("localhost:5002/node:1"), "built").await.unwrap();
    images.node(Some("elsewhere.example/node:1"), "built").await.unwrap();
    assert_eq!(pulls(&engine), ["pull localhost:5002/node:1 as localhost:5002", "pull elsewhere.example/node:1"]);
    // A file that nobody can read matters where a pull fails.
    write("{");
    images.node(Some("a:1"), "built").await.unwrap();
    engine.when("pull b:1", Outcome::Refuse("no basic auth credentials".into()));
    let text = images.node(Some("b:1"), "built").await.unwrap_err().to_string();
    assert!(text.contains("no credentials were used: read the credentials for"), "{text}");
}

#[tokio::test]
async fn what_starts_no_node_is_refused_before_anything_is_made() {
    let engine = FakeEngine::default();
    for (command, expected) in [
        (&[][..], "it has no command"),
        (&["nginx", "-g", "daemon off;"][..], "it starts `nginx -g daemon off;`"),
        (&["/docker-entrypoint.sh"][..], "it starts `/docker-entrypoint.sh`"),
    ] {
        engine.add_image("app:1", &[]);
        engine.change_image("app:1", |image| image.command = command.iter().map(ToString::to_string).collect());
        let text = Images::of(&engine).node(Some("app:1"), "built").await.unwrap_err().to_string();
        assert!(text.starts_with("image \"app:1\" is no node image") && text.contains(expected), "{text}");
        engine.remove_image("app:1").await.unwrap();
    }
    for reference in ["", " ", "App", "a:b:c"] {
        let error = Images::of(&engine).node(Some(reference), "built").await.unwrap_err();
        assert!(matches!(error, ImageError::Name(_)), "{reference:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_built_here_is_never_pulled() {
    let engine = FakeEngine::default();
    let resolve = async |wanted: &str| Images::of(&engine).node(Some(wanted), "built").await.unwrap_err().to_string();
    let image = node_image("v1.36").unwrap();
    let text = resolve(&image).await;
    assert!(text.ends_with("`kind-rs build node-image --version v1.36.3` builds it"), "{text}");
    let text = resolve("kind-rs/node:v1.36.3-of-last-year").await;
    assert!(text.ends_with("`kind-rs build node-image` builds the one of today"), "{text}");
    let text = resolve("v1.12").await;
    assert!(text.contains("v1.12: this version is not supported"), "{text}");
    assert_eq!(pulls(&engine), Vec::<String>::new());
}

#[tokio::test]
async fn every_nodes_own_image_is_provided_and_the_default_only_where_it_is_used() {
    let engine = FakeEngine::default();
    engine.add_image("ours", &[]);
    let mut spec = ClusterSpec::default().control_planes(1).workers(1).image("theirs");
    assert_eq!(Images::of(&engine).nodes(&spec, Some("wanted"), "ours").await.unwrap(), "theirs");
    assert_eq!(pulls(&engine).len(), 1);
    spec.nodes[0].image = None;
    assert_eq!(Images::of(&engine).nodes(&spec, None, "ours").await.unwrap(), "ours");
}

#[tokio::test]
async fn the_load_is_balanced_by_the_first_that_can() {
    let engine = FakeEngine::default();
    engine.add_image("ours", &[("io.kind-rs.features", "on-link-pods,load-balancer")]);
    engine.add_image("kinds", &[]);
    let (one, three) = (ClusterSpec::single_node(), ClusterSpec::default());
    let find = async |spec: &ClusterSpec, image: &str, wanted: Option<&str>| {
        Images::of(&engine).load_balancer(spec, image, wanted, "base").await
    };
    assert_eq!(find(&three, "ours", None).await.unwrap(), None);
    assert_eq!(find(&one, "kinds", None).await.unwrap(), None);
    engine.when("pull nginx", Outcome::Refuse("no such host".into()));
    let text = find(&three, "kinds", None).await.unwrap_err().to_string();
    assert!(text.contains(NGINX_IMAGE) && text.contains("kind-rs build base-image"), "{text}");
    engine.add_image("base", &[]);
    assert_eq!(find(&three, "kinds", None).await.unwrap().as_deref(), Some("base"));
    assert_eq!(find(&three, "ours", Some("mine")).await.unwrap().as_deref(), Some("mine"));
    engine.remove_image("base").await.unwrap();
    engine.add_image(NGINX_IMAGE, &[]);
    assert_eq!(find(&three, "kinds", None).await.unwrap().as_deref(), Some(NGINX_IMAGE));
    assert!(pulls(&engine).contains(&"pull mine".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_hangs_ends() {
    let engine = FakeEngine::default();
    engine.when("pull", Outcome::Hang);
    let error = Images::of(&engine).node(Some("other"), "built").await.unwrap_err();
    assert!(matches!(error, ImageError::Slow { .. }), "{error}");
}
