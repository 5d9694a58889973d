//! The user's file in odd forms and places: devices and pipes, marks and markers, what may not be written, `sudo`.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::{Gid, Uid, chown, geteuid, mkfifo};
use rstest::rstest;

use super::*;
use crate::spec::ClusterName;

const OURS: &str = "{clusters: [{name: kind-a, cluster: {server: 'https://a'}}], users: [{name: kind-a, user: {}}], \
                    contexts: [{name: kind-a, context: {cluster: kind-a, user: kind-a}}], current-context: kind-a}";
const PLAIN: &str = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts:\n- name: own\n  context: {cluster: c}\n";
/// Somebody who is not root.
const SOMEBODY: u32 = 4711;

fn only(path: &Path) -> KubeconfigFiles {
    KubeconfigFiles::new(Some(path), None, None).unwrap()
}

fn cluster() -> ClusterName {
    ClusterName::new("a").unwrap()
}

fn contexts(path: &Path) -> Vec<String> {
    let file: serde_yaml::Value = serde_yaml::from_str(&read::document(path).unwrap()).unwrap();
    let contexts = file["contexts"].as_sequence().unwrap();
    contexts.iter().map(|context| context["name"].as_str().unwrap().to_owned()).collect()
}

/// Everything in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_no_file_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("pipe", at("link")).unwrap();
    symlink("/dev/null", at("device")).unwrap();
    symlink("/dev/full", at("full")).unwrap();
    fs::write(at("open"), "").unwrap();
    let open = fs::File::open(at("open")).unwrap();
    let open = PathBuf::from(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open)));
    symlink(&open, at("link-to-open")).unwrap();
    let before = names(folder.path());
    for (path, kind) in [
        (at("pipe"), "a pipe"),
        (at("link"), "a pipe"),
        (at("socket"), "a socket"),
        (at("folder"), "a folder"),
        (at("device"), "a device"),
        (at("full"), "a device"),
        (open, "an open file of a process"),
        (at("link-to-open"), "an open file of a process"),
    ] {
        let files = only(&path);
        for refused in [files.check(), files.merge(OURS).map(drop), files.merge_without_switching(OURS).map(drop)] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(kind) && text.contains(&path.display().to_string()), "{text}");
        }
        // Nothing of a cluster can be in it.
        assert_eq!(files.remove(&cluster()).unwrap(), Vec::<PathBuf>::new());
    }
    assert_eq!(names(folder.path()), before);
}

/// Each as kubectl takes it.
#[rstest]
#[case::mark("\u{feff}", "")]
#[case::trailing_marker("", "---\n")]
#[case::mark_and_markers("\u{feff}---\n", "---\n# nothing\n...\n")]
#[case::leading_marker("# c\n--- # d\n", "")]
#[case::directive("%YAML 1.1\n---\n", "")]
#[case::end("", "...\n")]
fn forms_that_kubectl_reads_are_read(#[case] before: &str, #[case] after: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for text in [PLAIN.to_owned(), PLAIN.replace('\n', "\r\n")] {
        fs::write(&path, format!("{before}{text}{after}")).unwrap();
        only(&path).check().unwrap();
        only(&path).merge(OURS).unwrap();
        assert_eq!(contexts(&path), ["own", "kind-a"]);
        assert!(!only(&path).remove(&cluster()).unwrap().is_empty());
        assert_eq!(contexts(&path), ["own"]);
    }
}

#[test]
fn wide_letters_are_read_and_written_as_usual_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        fs::write(&path, format!("\u{feff}{PLAIN}").encode_utf16().flat_map(unit).collect::<Vec<_>>()).unwrap();
        only(&path).merge(OURS).unwrap();
        assert_eq!(contexts(&path), ["own", "kind-a"]);
        assert!(fs::read_to_string(&path).unwrap().starts_with("apiVersion: v1\n"));
    }
    fs::write(&path, b"\xff\xfea").unwrap();
    assert!(only(&path).merge(OURS).unwrap_err().to_string().contains("found a damaged UTF-16"));
    fs::write(&path, b"caf\xe9: 1").unwrap();
    assert!(only(&path).merge(OURS).unwrap_err().to_string().contains("found other bytes"));
}

#[test]
fn further_documents_are_nobodys_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let further = "--- # mine\nclusters: [\n...\n";
    fs::write(&path, format!("{PLAIN}{further}")).unwrap();
    only(&path).merge(OURS).unwrap();
    assert_eq!(contexts(&path), ["own", "kind-a"]);
    only(&path).remove(&cluster()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with(further));
    // An empty first one is all that kubectl sees.
    fs::write(&path, format!("---\n---\n{PLAIN}")).unwrap();
    only(&path).merge(OURS).unwrap();
    assert_eq!(contexts(&path), ["kind-a"]);
    assert!(fs::read_to_string(&path).unwrap().ends_with(&format!("---\n{PLAIN}")));
}

#[test]
fn nothing_stays_beside_a_file_that_is_read_checked_or_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    only(&folder.path().join("no/such/config")).check().unwrap();
    assert_eq!(names(folder.path()), Vec::<String>::new());
    fs::write(&path, PLAIN).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    only(&path).check().unwrap();
    only(&path).remove(&cluster()).unwrap();
    assert_eq!((names(folder.path()), fs::metadata(&path).unwrap().ino()), (vec!["config".to_owned()], inode));
    only(&path).merge(OURS).unwrap();
    only(&path).remove(&cluster()).unwrap();
    assert_eq!(names(folder.path()), ["config"]);
}

#[rstest]
#[case("/proc/none/config")]
#[case("/sys/config")]
#[case("/dev/null/config")]
fn a_file_that_cannot_be_made_is_found_beforehand(#[case] path: &str) {
    let text = only(Path::new(path)).check().unwrap_err().to_string();
    assert!(text.contains(path), "{text}");
}

#[test]
fn a_file_in_the_place_of_a_folder_is_found_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file/config");
    fs::write(path.parent().unwrap(), "").unwrap();
    assert!(only(&path).check().is_err() && only(&path).merge(OURS).is_err());
}

/// Runs one of the tests below as somebody who is not root. There is nobody else to be without root.
fn as_somebody(test: &str, folder: &Path) {
    if !geteuid().is_root() {
        return;
    }
    let program = folder.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for part in [program.as_path(), folder] {
        fs::set_permissions(part, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut child = Command::new(program);
    child.args(["--exact", &format!("kubeconfig::odd_files::{test}"), "--ignored"]).uid(SOMEBODY).gid(SOMEBODY);
    let output = child.current_dir(folder).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

fn give(path: &Path) {
    chown(path, Some(Uid::from_raw(SOMEBODY)), Some(Gid::from_raw(SOMEBODY))).unwrap();
}

#[test]
fn one_sudo_costs_nothing_later() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    give(&home);
    let path = home.join("new/.kube/config");
    only(&path).check().unwrap();
    assert_eq!(names(&home), Vec::<String>::new());
    only(&path).merge(OURS).unwrap();
    for made in path.ancestors().take(3) {
        let facts = fs::metadata(made).unwrap();
        assert_eq!((facts.uid(), facts.gid()), (SOMEBODY, SOMEBODY), "{}", made.display());
    }
    // A lock of an older version, which a sudo left to root.
    let lock = path.with_file_name(".config.kind-rs.lock");
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
    as_somebody("somebody_changes_their_own_file", folder.path());
    assert_eq!(names(path.parent().unwrap()), ["config"]);
    assert_eq!(contexts(&path), Vec::<String>::new());
}

#[test]
#[ignore = "`one_sudo_costs_nothing_later` runs it"]
fn somebody_changes_their_own_file() {
    let path = Path::new("home/new/.kube/config");
    only(path).check().unwrap();
    assert_eq!(only(path).remove(&cluster()).unwrap(), [path]);
}

/// Owners and groups that somebody without root's rights cannot give a file.
#[test]
fn a_file_whose_owner_or_group_cannot_be_kept_is_filled_and_keeps_both() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("shared");
    fs::create_dir(&home).unwrap();
    give(&home);
    let of = [("of-another-group", SOMEBODY, 0), ("of-another-user", 0, SOMEBODY)];
    for (name, user, group) in of {
        let path = home.join(name);
        fs::write(&path, PLAIN).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        chown(&path, Some(Uid::from_raw(user)), Some(Gid::from_raw(group))).unwrap();
    }
    as_somebody("somebody_changes_files_that_they_may_write", folder.path());
    for (name, user, group) in of {
        let facts = fs::metadata(home.join(name)).unwrap();
        assert_eq!((facts.uid(), facts.gid(), facts.mode() & 0o777), (user, group, 0o660), "{name}");
        assert_eq!(contexts(&home.join(name)), ["own", "kind-a"], "{name}");
    }
    assert_eq!(names(&home), ["of-another-group", "of-another-user"]);
}

#[test]
#[ignore = "`a_file_whose_owner_or_group_cannot_be_kept_is_filled_and_keeps_both` runs it"]
fn somebody_changes_files_that_they_may_write() {
    for name in ["shared/of-another-group", "shared/of-another-user"] {
        only(Path::new(name)).check().unwrap();
        only(Path::new(name)).merge(OURS).unwrap();
    }
}

#[test]
fn what_may_not_be_written_is_found_beforehand_and_only_where_it_must_be() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for made in [&home, &folder.path().join("of-root"), &home.join("left")] {
        fs::create_dir(made).unwrap();
    }
    fs::write(home.join("read-only"), PLAIN).unwrap();
    fs::set_permissions(home.join("read-only"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::write(folder.path().join("of-root/company"), PLAIN).unwrap();
    give(&home);
    give(&home.join("read-only"));
    as_somebody("somebody_without_rights", folder.path());
    assert_eq!(names(&folder.path().join("of-root")), ["company"]);
}

#[test]
#[ignore = "`what_may_not_be_written_is_found_beforehand_and_only_where_it_must_be` runs it"]
fn somebody_without_rights() {
    let refused = |path: &str| {
        let path = only(Path::new(path));
        let (checked, merged) = (path.check().unwrap_err().to_string(), path.merge(OURS).unwrap_err().to_string());
        assert_eq!(checked, merged);
        checked
    };
    assert!(refused("of-root/config").contains("name a file of your own"));
    assert!(refused("of-root/company").contains("name a file of your own"));
    assert!(refused("home/read-only").contains("name a file of your own"));
    let left = refused("home/left/config");
    assert!(left.contains(&format!("`sudo chown -R {SOMEBODY}:{SOMEBODY} ")) && left.contains("home/left`"), "{left}");
    // Neither has anything of the cluster.
    let list = std::env::join_paths(["of-root/company", "home/read-only", "home/own"]).unwrap();
    let files = KubeconfigFiles::new(None, Some(&list), None).unwrap();
    assert!(files.remove(&cluster()).unwrap().is_empty());
}
