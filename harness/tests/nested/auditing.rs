//! The auditor itself: something of each kind is left behind on purpose, and it has to say so.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::case::{Case, play_alone};

/// What the auditor has to find while `planted` is there, and not before or after.
async fn finds(case: &mut Case, kind: &str) {
    let left = case.auditor.left(&case.engine).await.expect("look at the engine");
    assert!(left.iter().any(|line| line.starts_with(kind)), "no {kind:?} in {left:?}");
}

async fn finds_nothing(case: &mut Case) {
    let left = case.auditor.left(&case.engine).await.expect("look at the engine");
    assert_eq!(left, Vec::<String>::new());
}

/// Runs a program and returns what it printed.
fn call(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("start a program");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn label(case: &Case) -> String {
    format!("io.kind-rs.state=planted#{}", case.state().display())
}

/// Imports an image without content; it is removed by its identifier.
fn import(folder: &Path, changes: &[&str]) -> String {
    let tar = folder.join("empty.tar");
    fs::write(&tar, [0; 1024]).expect("write an archive");
    let mut arguments = vec!["import"];
    arguments.extend(changes.iter().flat_map(|change| ["--change", change]));
    arguments.push(tar.to_str().expect("a path in UTF-8"));
    call("docker", &arguments)
}

#[test]
fn files_and_locks() {
    play_alone(async |case| {
        finds_nothing(case).await;
        for path in ["state/clusters/0123456789/users.lock", "state/identity-x", "temporary/deep/file"] {
            let path = case.folder().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
            fs::write(&path, "").expect("write a file");
            finds(case, &format!("file {}", path.display())).await;
            fs::remove_file(&path).expect("remove a file");
        }
        fs::remove_dir_all(case.state().join("clusters/0123456789")).expect("remove a folder");
        fs::remove_dir(case.temporary().join("deep")).expect("remove a folder");
        finds_nothing(case).await;
    });
}

#[test]
fn processes() {
    play_alone(async |case| {
        let mut by_environment = Command::new("sleep");
        by_environment.arg("600").env("KIND_TEST_STATE_DIR", case.state());
        // It waits for a line that does not come.
        let mut by_argument = Command::new("sh");
        by_argument.args(["-c", "read line"]).arg(case.temporary()).stdin(Stdio::piped());
        for mut command in [by_environment, by_argument] {
            let mut planted = command.spawn().expect("start a process");
            finds(case, &format!("process {} ", planted.id())).await;
            planted.kill().expect("kill it");
            planted.wait().expect("wait for it");
            finds_nothing(case).await;
        }
    });
}

#[test]
fn mounts() {
    play_alone(async |case| {
        let at = case.temporary().join("mounted");
        let at = at.to_str().expect("a path in UTF-8");
        fs::create_dir(at).expect("make a folder");
        call("mount", &["-t", "tmpfs", "planted", at]);
        finds(case, &format!("mount {at}")).await;
        call("umount", &[at]);
        fs::remove_dir(at).expect("remove the folder");
        finds_nothing(case).await;
    });
}

#[test]
fn networks() {
    play_alone(async |case| {
        let network =
            call("docker", &["network", "create", "--label", &label(case), &format!("planted-{}", std::process::id())]);
        finds(case, "network planted-").await;
        call("docker", &["network", "rm", &network]);
        finds_nothing(case).await;
    });
}

#[test]
fn images() {
    play_alone(async |case| {
        let image = import(case.folder(), &[&format!("LABEL {}", label(case))]);
        finds(case, &format!("image {image}")).await;
        call("docker", &["rmi", &image]);
        finds_nothing(case).await;
    });
}

/// A container, and what it has without a label of its own: a volume that stays when it goes, and a layer.
#[test]
fn containers_volumes_and_layers() {
    play_alone(async |case| {
        let mark = format!("LABEL planted={}", std::process::id());
        let image = import(case.folder(), &[&mark]);
        let container = call("docker", &["create", "--label", &label(case), "--volume", "/data", &image, "/nothing"]);
        finds(case, "container ").await;
        finds(case, "volume ").await;
        finds(case, "layer ").await;
        let format = "{{range .Mounts}}{{.Name}}{{end}}";
        let volume = call("docker", &["inspect", "--format", format, &container]);
        // Without its volumes.
        call("docker", &["rm", &container]);
        let left = case.auditor.left(&case.engine).await.expect("look at the engine");
        assert_eq!(left, [format!("volume {volume}")]);
        call("docker", &["volume", "rm", &volume]);
        call("docker", &["rmi", &image]);
        finds_nothing(case).await;
    });
}

/// What another run has is not this one's.
#[test]
fn other_runs_are_left_alone() {
    play_alone(async |case| {
        let other = format!("io.kind-rs.state=planted#{}-2", case.state().display());
        let name = format!("other-{}", std::process::id());
        let network = call("docker", &["network", "create", "--label", &other, &name]);
        finds_nothing(case).await;
        call("docker", &["network", "rm", &network]);
    });
}
