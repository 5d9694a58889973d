//! The commands that a snapshot's images carry and are made with.

/// The program that a clone's node starts with, before that of its image.
pub(super) const START_PATH: &str = "/kind/snapshot/start";

/// Packs `/var`. What else is mounted below it (folders of the host) is not the node's.
pub(super) const PACK: &str = r#"set -euo pipefail
rm -rf /kind/snapshot
mkdir -m 0700 -p /kind/snapshot
skipped=$(mktemp)
while read -r _ _ _ _ target _; do
  case $target in /var/*) printf '.%s\n' "${target#/var}" ;; esac
done </proc/self/mountinfo >"$skipped"
tar --create --file /kind/snapshot/var.tar --directory /var --xattrs '--xattrs-include=*' --acls --numeric-owner \
  --sparse --exclude-from "$skipped" --no-wildcards .
rm -f "$skipped"
"#;

/// First process of a node that was made from a snapshot. Whatever ends it in the middle, the next start begins again.
pub(super) const START: &str = include_str!("start.sh");

#[cfg(test)]
mod tests {
    use std::{io::Write as _, process::Stdio};

    use super::*;
    use crate::provision::CLONE_KUBEADM_PATH;

    #[test]
    fn the_files_that_a_clone_is_given_are_those_that_its_nodes_read() {
        assert!(START.contains(CLONE_KUBEADM_PATH));
        assert!(PACK.contains(START_PATH.rsplit_once('/').unwrap().0));
    }

    #[test]
    fn an_api_server_has_the_proxies_of_its_own_cluster() {
        let manifest = "\
spec:
  containers:
  - command:
    - kube-apiserver
    env:
    - name: HTTPS_PROXY
      value: http://old:3128
    - name: NO_PROXY
      value: 198.18.4.0/26,
        and-more,
        than-one-line
    - name: OTHER
      value: stays
    - name: http_proxy
      value: http://gone
    image: kube-apiserver
";
        let own = r"http://it's:p%40\\&a@proxy:3128";
        let functions = START.split_once("\nif [").unwrap().0;
        let script = format!("{functions}\nwith_own_proxies /dev/stdin");
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin");
        bash.env("HTTPS_PROXY", own).env("NO_PROXY", "198.18.9.0/26");
        let mut child = bash.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let found: serde_json::Value = serde_yaml::from_slice(&output.stdout).unwrap();
        let expected = serde_json::json!([
            {"name": "HTTPS_PROXY", "value": own},
            {"name": "NO_PROXY", "value": "198.18.9.0/26"},
            {"name": "OTHER", "value": "stays"},
            {"name": "http_proxy", "value": ""},
        ]);
        assert_eq!(found["spec"]["containers"][0]["env"], expected);
        assert_eq!(found["spec"]["containers"][0]["image"], "kube-apiserver");
    }
}
