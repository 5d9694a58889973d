//! What people call in a node that Kubernetes itself does not.

use kind_harness::{Cluster, kind_test};

use crate::small;

#[kind_test(cluster = small)]
async fn a_node_has_what_people_look_around_with(cluster: Cluster) -> anyhow::Result<()> {
    let node = &cluster.nodes()[0];
    let livez = "curl --silent --show-error --cacert /etc/kubernetes/pki/ca.crt https://127.0.0.1:6443/livez";
    assert_eq!(node.exec(["sh", "-c", livez]).await?.trim(), "ok");
    let name = node.exec(["jq", "--raw-output", ".cluster", "/kind/cluster.json"]).await?;
    assert_eq!(name.trim(), cluster.name());
    // Whether the machine's kernel has that file system is another matter.
    assert!(node.exec(["mount.nfs", "-V"]).await?.contains("mount.nfs"));
    // Locks of NFS 3 need a daemon that needs the port mapper, and neither runs before.
    let daemons =
        "systemctl is-active rpcbind.service; start-statd && systemctl is-active rpcbind.service rpc-statd.service";
    assert_eq!(
        node.exec(["sh", "-c", daemons]).await?.split_whitespace().collect::<Vec<_>>(),
        ["inactive", "active", "active"]
    );
    Ok(())
}
