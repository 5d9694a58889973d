//! Paths of mounts: where a node can have one, and what of the host is meant. Names only: what is on the disk is not
//! looked at.

use std::path::{Component, Path, PathBuf};

/// Where every node has a mount of its own. What the engine's storage driver adds (`/dev/mapper`) makes way for the
/// user's.
pub(crate) const OF_NODES: [&str; 4] = ["/tmp", "/run", "/var", "/lib/modules"];

/// What a node is made of: a folder of the host in its place hides the programs and settings that it boots with.
const MADE_OF: [&str; 12] = [
    "/bin",
    "/etc",
    "/kind",
    "/lib",
    "/lib64",
    "/opt",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/sbin",
];

/// What is wrong with a host path that a shell was meant to write.
pub(super) const SHELLS: &str = "a path without `~`, `$` and backquotes, which are a shell's to replace: a configuration \
                                 is read as it is, so write the whole path, or make the file with envsubst";

/// The path without `.`, `..` and needless slashes, and absolute below `folder`.
pub(super) fn resolve(folder: &Path, path: &str) -> String {
    let mut resolved = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if resolved.file_name().is_some() => {
                resolved.pop();
            }
            Component::ParentDir if resolved.has_root() => {}
            other => resolved.push(other),
        }
    }
    resolved.display().to_string()
}

/// A target in the one form that the engine compares.
pub(super) fn target(path: &str) -> String {
    resolve(Path::new("/"), path)
}

/// What is wrong with a target, in the form of [`target`].
pub(super) fn refuses(target: &str) -> Option<&'static str> {
    let is_below =
        |folder: &str| target.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // `/var/run` is a link to `/run`.
    if OF_NODES.contains(&target) || target == "/var/run" {
        return Some(
            "another path: nodes have mounts of their own at /tmp, /run, /var and /lib/modules; a path below one of them \
             can be used",
        );
    }
    if MADE_OF.contains(&target) {
        return Some(
            "another path: this would hide the programs and settings that a node is made of; name a path below it",
        );
    }
    // runc refuses the one; the other is what the node's own systemd and kubelet work with.
    if is_below("/proc") || target == "/sys" {
        return Some("another path: /proc and /sys are the node's kernel");
    }
    None
}

/// Whether a text has what a shell replaces. A name that really begins with `~` can be written as `./~name`.
pub(super) fn is_for_a_shell(path: &str) -> bool {
    let is_variable = |rest: &str| {
        rest.starts_with(|next: char| next.is_ascii_alphabetic() || next == '_' || next == '{' || next == '(')
    };
    path.starts_with('~') || path.contains('`') || path.split('$').skip(1).any(is_variable)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/var")]
    #[case("/var/")]
    #[case("//var")]
    #[case("/x/../var")]
    #[case("/./run/.")]
    #[case("/tmp//")]
    #[case("/lib/modules/")]
    #[case("/../../var")]
    #[case("/proc")]
    #[case("/proc/sys/x")]
    #[case("/sys/")]
    #[case("/var/run/")]
    #[case("/etc/")]
    #[case("/usr")]
    #[case("//usr/./local")]
    #[case("/bin")]
    #[case("/kind")]
    fn nodes_have_their_own(#[case] path: &str) {
        assert!(refuses(&target(path)).is_some(), "{path}");
    }

    #[rstest]
    #[case("/var/lib/x", "/var/lib/x")]
    #[case("/variable", "/variable")]
    #[case("/tmp/a/", "/tmp/a")]
    #[case("/lib/firmware", "/lib/firmware")]
    #[case("/etc/kubernetes/manifests", "/etc/kubernetes/manifests")]
    #[case("/usr/local/bin/tool", "/usr/local/bin/tool")]
    #[case("/opt/cni/bin", "/opt/cni/bin")]
    #[case("/dev", "/dev")]
    #[case("/var/run/secrets", "/var/run/secrets")]
    #[case("/dev/mapper", "/dev/mapper")]
    #[case("/sys/fs/bpf", "/sys/fs/bpf")]
    #[case("/process", "/process")]
    fn other_targets_are_free(#[case] path: &str, #[case] expected: &str) {
        assert_eq!((target(path).as_str(), refuses(&target(path))), (expected, None));
    }

    #[rstest]
    #[case("~", true)]
    #[case("~/x", true)]
    #[case("~user/x", true)]
    #[case("$HOME/x", true)]
    #[case("/x/${A}", true)]
    #[case("$(pwd)/x", true)]
    #[case("/x/`pwd`", true)]
    #[case("./~/x", false)]
    #[case("/x/~y", false)]
    #[case("/c$/x", false)]
    #[case("/price$5", false)]
    fn what_a_shell_replaces(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_for_a_shell(path), expected);
    }
}
