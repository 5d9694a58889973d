//! The user's file under use: several writers, links, foreign programs, processes killed half-way.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use super::*;
use crate::spec::ClusterName;

fn cluster(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: kind-{name}, cluster: {{server: 'https://{name}'}}}}]\n\
         users: [{{name: kind-{name}, user: {{}}}}]\ncurrent-context: kind-{name}\n\
         contexts: [{{name: kind-{name}, context: {{cluster: kind-{name}, user: kind-{name}}}}}]\n"
    )
}

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

fn only(path: &Path) -> KubeconfigFiles {
    KubeconfigFiles::new(Some(path), None, None).unwrap()
}

fn contexts(path: &Path) -> Vec<String> {
    let file: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let contexts = file["contexts"].as_sequence().unwrap();
    contexts.iter().map(|context| context["name"].as_str().unwrap().to_owned()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_and_its_folder_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/config");
    assert_eq!(only(&path).merge(&cluster("a")).unwrap(), path);
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(contexts(&path), ["kind-a"]);
}

#[test]
fn the_current_context_can_stay_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let current = || {
        let file: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        file.get("current-context").and_then(serde_yaml::Value::as_str).map(str::to_owned)
    };
    only(&path).merge_without_switching(&cluster("a")).unwrap();
    assert_eq!(current(), None);
    only(&path).merge(&cluster("b")).unwrap();
    only(&path).merge_without_switching(&cluster("c")).unwrap();
    assert_eq!((current().as_deref(), contexts(&path).len()), (Some("kind-b"), 3));
}

#[test]
fn removing_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/config");
    assert!(only(&path).remove(&name("a")).unwrap().is_empty());
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn clusters_come_and_go_and_an_open_file_becomes_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, cluster("foreign")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let files = only(&path);
    files.merge(&cluster("a")).unwrap();
    files.merge(&cluster("b")).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(files.remove(&name("a")).unwrap(), std::slice::from_ref(&path));
    assert_eq!(contexts(&path), ["kind-foreign", "kind-b"]);
    assert!(fs::read_to_string(&path).unwrap().contains("current-context: kind-b"));
}

#[test]
fn removal_reaches_every_file_even_past_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let [first, broken, last] = ["1", "2", "3"].map(|file| folder.path().join(file));
    fs::write(&first, cluster("a")).unwrap();
    fs::write(&broken, "{").unwrap();
    fs::write(&last, cluster("a")).unwrap();
    let variable = std::env::join_paths([&first, &broken, &last]).unwrap();
    let files = KubeconfigFiles::new(None, Some(&variable), None).unwrap();
    let error = files.remove(&name("a")).unwrap_err();
    assert!(matches!(&error, KubeconfigError::Syntax { path, .. } if *path == broken), "{error}");
    assert!(contexts(&first).is_empty() && contexts(&last).is_empty());
    assert_eq!(fs::read_to_string(&broken).unwrap(), "{");
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dotfiles")).unwrap();
    let real = folder.path().join("dotfiles/kube");
    let link = folder.path().join("config");
    symlink("dotfiles/kube", &link).unwrap();
    only(&link).merge(&cluster("a")).unwrap();
    only(&link).merge(&cluster("b")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(contexts(&real), ["kind-a", "kind-b"]);
}

#[test]
fn a_circle_of_links_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    symlink("config", &path).unwrap();
    assert!(matches!(only(&path).merge(&cluster("a")), Err(KubeconfigError::File { .. })));
}

#[test]
fn no_writer_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for round in 0..5 {
                    only(path).merge(&cluster(&format!("c{writer}-{round}"))).unwrap();
                }
                only(path).remove(&name(&format!("c{writer}-0"))).unwrap();
            });
        }
    });
    assert_eq!(contexts(&path).len(), 8 * 4);
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    only(&path).merge(&cluster("a")).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..50 {
                only(&path).merge(&cluster(&format!("b{round}"))).unwrap();
            }
        });
        while !writer.is_finished() {
            assert_eq!(contexts(&path)[0], "kind-a");
        }
    });
}

#[test]
fn what_a_killed_writer_left_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, cluster("old")).unwrap();
    fs::write(folder.path().join(".config.kind-rs.new"), "apiVersion: v1\nclus").unwrap();
    fs::write(folder.path().join(".config.kind-rs.lock"), "").unwrap();
    only(&path).merge(&cluster("a")).unwrap();
    assert_eq!(contexts(&path), ["kind-old", "kind-a"]);
    assert!(!folder.path().join(".config.kind-rs.new").exists());
}

#[test]
fn what_is_no_kubeconfig_stays_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for text in ["clusters: 5\n", "just words\n", "a: [\n"] {
        fs::write(&path, text).unwrap();
        let error = only(&path).merge(&cluster("a")).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("repair it"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// Where the process runs that is to be killed; see the next two tests.
const MARK: &str = "kind-rs-writer-to-be-killed";

#[test]
fn writer_to_be_killed() {
    if !Path::new(MARK).exists() {
        return;
    }
    let path = Path::new("config");
    for round in 0..100_000 {
        only(path).merge(&cluster(&format!("r{}", round % 50))).unwrap();
    }
}

#[test]
fn a_kill_in_the_middle_leaves_the_old_file_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    only(&path).merge(&cluster("first")).unwrap();
    fs::write(folder.path().join(MARK), "").unwrap();
    for round in 0..10 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kubeconfig::tests::writer_to_be_killed"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let before = fs::read(&path).unwrap();
        // Killed after a few more of its writes in every round.
        for _ in 0..=round {
            while fs::read(&path).unwrap() == before {
                assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
                thread::yield_now();
            }
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert_eq!(contexts(&path)[0], "kind-first");
        only(&path).merge(&cluster("after")).unwrap();
        only(&path).remove(&name("after")).unwrap();
    }
}
