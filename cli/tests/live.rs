//! The commands that look at a cluster, on a real one: the list, a shell and kubectl. Without an engine this is skipped.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, ensure};
use kind_core::cluster::Cluster;
use kind_harness::{TestNamespace, kind_test};
use serde_json::Value;

/// Runs the program with the test's own environment, so that it knows the same engine and state folder.
fn run(arguments: &[&str], stdin: &str) -> anyhow::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kind-rs"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().context("its input is a pipe")?.write_all(stdin.as_bytes())?;
    Ok(child.wait_with_output()?)
}

/// What it prints, where it succeeds.
fn printed(arguments: &[&str], stdin: &str) -> anyhow::Result<String> {
    let output = run(arguments, stdin)?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[kind_test(control_planes = 1, workers = 0)]
async fn a_tests_cluster_is_listed_and_looked_into(cluster: Cluster, ns: TestNamespace) -> anyhow::Result<()> {
    let name = cluster.name();

    let list: Value = serde_json::from_str(&printed(&["ps", "-o", "json"], "")?)?;
    let listed = list["clusters"].as_array().context("a list")?.iter().find(|one| one["name"] == name);
    let listed = listed.context("the test's cluster is not listed")?;
    assert_eq!(
        (&listed["maker"], &listed["state"], &listed["keeper"]),
        (&"tests".into(), &"ready".into(), &true.into())
    );
    let pids: Vec<_> = listed["holders"].as_array().context("holders")?.iter().map(|one| one["pid"].as_u64()).collect();
    assert!(pids.contains(&Some(u64::from(std::process::id()))), "{listed}");
    assert!(listed["memory"].as_u64() > Some(50 << 20), "a control plane takes more: {listed}");

    // A file of this machine, then standard input.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("map.yaml");
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\n");
    std::fs::write(&file, map("first"))?;
    let kubectl =
        |arguments: &[&str], stdin: &str| printed(&[&["kubectl", name, "-n", &*ns], arguments].concat(), stdin);
    kubectl(&["apply", "-f", file.to_str().context("a path in UTF-8")?], "")?;
    kubectl(&["apply", "-f", "-"], &map("second"))?;
    assert_eq!(
        kubectl(&["get", "configmap", "first", "second", "-o", "name"], "")?,
        "configmap/first\nconfigmap/second\n"
    );
    let absent = run(&["kubectl", name, "-n", &*ns, "get", "configmap", "absent"], "")?;
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("\"absent\" not found"));
    assert_eq!(printed(&["shell", name, "--", "ls", "/var/lib/kind-rs"], "")?, "", "the file is still in the node");

    let shell = run(&["shell", name, "control-plane"], "hostname; echo wrong >&2; exit 7")?;
    assert_eq!(String::from_utf8(shell.stdout)?, format!("{name}-control-plane\n"));
    assert_eq!((String::from_utf8(shell.stderr)?.as_str(), shell.status.code()), ("wrong\n", Some(7)));
    Ok(())
}

#[kind_test(control_planes = 1, workers = 0, access = "read")]
async fn a_built_image_gets_the_name_that_is_asked_for(cluster: Cluster) -> anyhow::Result<()> {
    let (engine, release) = (cluster.engine().await?, kind_images::Release::newest());
    let (image, base) = (kind_images::node_image_reference(release), kind_images::base_image_reference(release));
    for image in [&image, &base] {
        if engine.image(image).await?.is_none() {
            eprintln!("SKIPPED: {image} is not on the engine, and building it would take long");
            return Ok(());
        }
    }
    for what in ["node-image", "base-image"] {
        let name = format!("kind-rs-live-test/{what}:of-{}", std::process::id());
        let built = run(&["build", what, "--image", &name], "");
        let there = engine.image(&name).await;
        engine.remove_image(&name).await?;
        let built = built?;
        ensure!(built.status.success(), "{what}: {}", String::from_utf8_lossy(&built.stderr));
        assert_eq!(String::from_utf8(built.stdout)?, format!("{name}\n"));
        assert!(there?.is_some(), "{name} is not on the engine");
    }
    assert!(engine.image(&image).await?.is_some(), "the image went with its other name");
    Ok(())
}
