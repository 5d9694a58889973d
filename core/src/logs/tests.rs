//! Exports of clusters in memory, whole and half dead, and of tar files with odd members.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use kind_engine::{ContainerSpec, Engine as _, FakeEngine, Outcome};
use tar::EntryType::{Char, Regular, Symlink};

use super::{LogsError, export, varlog::unpack};
use crate::{
    redact::Known,
    spec::{ClusterName, LABEL_CLUSTER, LABEL_ROLE},
};

async fn engine() -> FakeEngine {
    let engine = FakeEngine::default();
    for (name, role) in [("a-control-plane", "control-plane"), ("a-external-load-balancer", "external-load-balancer")] {
        let labels = [(LABEL_CLUSTER, "a"), (LABEL_ROLE, role)];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
        engine
            .run_container(&ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() })
            .await
            .unwrap();
    }
    engine
}

async fn exported(engine: &FakeEngine, folder: &Path) -> Result<usize, LogsError> {
    export(engine, &ClusterName::new("a").unwrap(), folder, "kind-rs v0").await
}

#[tokio::test]
async fn the_tree_has_kinds_files_and_more() {
    let engine = engine().await;
    engine.when("journalctl", Outcome::Print("a line\n".into()));
    engine.when("openssl", Outcome::Print("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}".into()));
    let folder = tempfile::tempdir().unwrap();
    exported(&engine, &folder.path().join("new/logs")).await.unwrap();
    let logs = folder.path().join("new/logs");
    for file in [
        "serial.log",
        "journal.log",
        "kubelet.log",
        "containerd.log",
        "images.log",
        "inspect.json",
        "kubernetes-version.txt",
        "etcd-members.json",
    ] {
        assert!(logs.join("a-control-plane").join(file).exists(), "{file}");
    }
    for file in [
        "kind-rs-version.txt",
        "docker-info.json",
        "cluster/events.txt",
        "cluster/pods-described.txt",
        "a-external-load-balancer/serial.log",
        "a-external-load-balancer/servers.conf",
    ] {
        assert!(logs.join(file).exists(), "{file}");
    }
    assert_eq!(fs::read_to_string(logs.join("a-control-plane/kubelet.log")).unwrap(), "a line\n");
}

#[tokio::test]
async fn what_cannot_be_had_is_listed_and_fails_nothing() {
    let engine = engine().await;
    engine.when("kubectl", Outcome::Exit(1, "connection refused".into()));
    engine.when("download", Outcome::Refuse("no such path".into()));
    let folder = tempfile::tempdir().unwrap();
    let count = exported(&engine, folder.path()).await.unwrap();
    let missing = fs::read_to_string(folder.path().join("missing.txt")).unwrap();
    assert_eq!(missing.lines().count(), count);
    assert!(missing.contains("cluster/events.txt: kubectl ended with 1: connection refused"), "{missing}");
    assert!(missing.contains("a-control-plane/var-log"), "{missing}");
    assert!(folder.path().join("a-control-plane/inspect.json").exists());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_does_not_hold_up_the_others() {
    let engine = engine().await;
    engine.when("exec a-control-plane crictl", Outcome::Hang);
    let folder = tempfile::tempdir().unwrap();
    exported(&engine, folder.path()).await.unwrap();
    let missing = fs::read_to_string(folder.path().join("missing.txt")).unwrap();
    assert!(missing.contains("a-control-plane/images.log: no answer within 30 s"), "{missing}");
    assert!(folder.path().join("a-external-load-balancer/servers.conf").exists());
}

#[tokio::test]
async fn what_secrets_hold_is_in_no_file() {
    let engine = engine().await;
    let secrets = r#"{"items":[{"data":{"password":"aHVudGVyMg=="}},{"data":{"tls.key":"a2V5a2V5a2V5a2V5"}}]}"#;
    engine.when(
        "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s get secrets",
        Outcome::Print(secrets.into()),
    );
    engine.when("journalctl", Outcome::Print("login with hunter2 at http://me:proxypass@proxy\n".into()));
    let folder = tempfile::tempdir().unwrap();
    exported(&engine, folder.path()).await.unwrap();
    let path = folder.path().join("a-control-plane/kubelet.log");
    assert_eq!(fs::read_to_string(&path).unwrap(), "login with <left out> at http://me:<left out>@proxy\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn an_unknown_cluster_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = exported(&FakeEngine::default(), folder.path()).await.unwrap_err();
    assert!(matches!(error, LogsError::Find(_)), "{error}");
}

#[test]
fn only_what_stays_in_the_folder_is_unpacked() {
    let mut tar = tar::Builder::new(tempfile::tempfile().unwrap());
    let mut add = |kind, path: &str, link: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(if kind == Regular { 4 } else { 0 });
        header.set_mode(0o644);
        // The checked ways to set a path refuse what is tested here.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, if kind == Regular { &b"text"[..] } else { &[] }).unwrap();
    };
    add(Regular, "log/pods/p/0.log", "");
    add(Symlink, "log/containers/c.log", "/var/log/pods/p/0.log");
    add(Symlink, "log/README", "../../usr/share/doc");
    add(Regular, "log/../../escaped", "");
    add(Symlink, "log/through", "/var/log/../..");
    add(Regular, "log/through/passed", "");
    add(Char, "log/device", "");
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("node");
    let mut missing = Vec::new();
    let mut archive = tar.into_inner().unwrap();
    std::io::Seek::rewind(&mut archive).unwrap();
    // An earlier export, or whoever may write here, left a way out.
    fs::create_dir(&into).unwrap();
    std::os::unix::fs::symlink(folder.path(), into.join("pods")).unwrap();
    unpack(archive, &into, &Known::default(), &mut missing).unwrap();
    assert_eq!(fs::read_to_string(into.join("containers/c.log")).unwrap(), "text");
    assert!(!into.join("README").exists() && !folder.path().join("escaped").exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written outside");
    assert_eq!(fs::metadata(into.join("pods/p/0.log")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(missing, ["log/device is no file"]);
}
