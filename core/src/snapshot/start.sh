#!/bin/bash
# Written by kind-rs: unpacks the node's /var and gives its API server a certificate of its own, once; then the node starts.
set -euo pipefail

# Prints the manifest of an API server with this machine's proxies and exceptions in place of those of its source: the
# networks that are reached without a proxy are others.
with_own_proxies() {
  awk -v quote="'" '
    skipped && match($0, /[^ ]/) > indent { next }
    { skipped = 0 }
    named {
      indent = match($0, /[^ ]/)
      value = name in ENVIRON ? ENVIRON[name] : ""
      gsub(/\n/, " ", value)
      gsub(quote, quote quote, value)
      printf "%*svalue: %s%s%s\n", indent - 1, "", quote, value, quote
      named = 0
      skipped = 1
      next
    }
    { print }
    $1 == "-" && $2 == "name:" && $3 ~ /^((HTTPS?|NO)_PROXY|(https?|no)_proxy)$/ { name = $3; named = 1 }
  ' "$1"
}

if [ ! -e /kind/snapshot/done ]; then
  tar --extract --file /kind/snapshot/var.tar --directory /var --xattrs '--xattrs-include=*' --acls --numeric-owner \
    --same-permissions --same-owner
  if [ -e /kind/snapshot/kubeadm.conf ]; then
    pki=/etc/kubernetes/pki
    manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
    rm -f "$pki/apiserver.crt" "$pki/apiserver.key"
    kubeadm init phase certs apiserver --config /kind/snapshot/kubeadm.conf
    sed -i -E "s#(--client-ca-file=).*#\1$pki/clients.crt#" "$manifest"
    (umask 077 && with_own_proxies "$manifest" >/kind/snapshot/kube-apiserver.yaml)
    mv -f /kind/snapshot/kube-apiserver.yaml "$manifest"
  fi
  touch /kind/snapshot/done
fi
exec "$@"
