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
pub(super) const START: &str = r#"#!/bin/bash
# Written by kind-rs: unpacks the node's /var and gives its API server a certificate of its own, once; then the node starts.
set -euo pipefail
if [ ! -e /kind/snapshot/done ]; then
  tar --extract --file /kind/snapshot/var.tar --directory /var --xattrs '--xattrs-include=*' --acls --numeric-owner \
    --same-permissions --same-owner
  if [ -e /kind/snapshot/kubeadm.conf ]; then
    pki=/etc/kubernetes/pki
    rm -f "$pki/apiserver.crt" "$pki/apiserver.key"
    kubeadm init phase certs apiserver --config /kind/snapshot/kubeadm.conf
    sed -i -E "s#(--client-ca-file=).*#\1$pki/clients.crt#" /etc/kubernetes/manifests/kube-apiserver.yaml
  fi
  touch /kind/snapshot/done
fi
exec "$@"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::CLONE_KUBEADM_PATH;

    #[test]
    fn the_files_that_a_clone_is_given_are_those_that_its_nodes_read() {
        assert!(START.contains(CLONE_KUBEADM_PATH));
        assert!(PACK.contains(START_PATH.rsplit_once('/').unwrap().0));
    }
}
