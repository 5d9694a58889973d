//! Making a snapshot: all nodes are frozen together, copied, and go on.
//!
//! What is copied is what a machine has on its disk when its power fails: etcd and containerd are made for that. No write
//! that a client was told of is lost: a majority of etcd's members had it on disk before the client was told.

use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use kind_engine::{Command, ContainerFacts, ContainerSpec, Engine, Labels, NodeFile, Privileges};

use super::{
    SnapshotError,
    list::{self, Marks},
    script::{PACK, START, START_PATH},
};
use crate::{
    inventory, power,
    provision::{MADE_PATH, Made},
    spec::{
        ClusterName, LABEL_CLUSTER, LABEL_CONTAINER, LABEL_INSTANCE, LABEL_MANAGED, LABEL_OWNER, LABEL_ROLE,
        LABEL_SCOPE, LABEL_STATE, ROLE_LOAD_BALANCER, ROLE_SNAPSHOT, Role, is_node, node_name_of,
    },
};

/// Labels of the node image that would make a snapshot pass for one: what looks for node images would find it, and what
/// removes old ones would remove it.
const LABEL_KIND: &str = "io.kind-rs.kind";

/// Makes a snapshot of a running cluster of ours. Its nodes are frozen meanwhile and go on afterwards, whatever the outcome.
/// `told` hears what is done.
///
/// # Errors
/// When there is no such cluster, a node does not run, the cluster has what a snapshot does not hold, the name is taken, or
/// the engine refuses. Nothing of the snapshot is left then.
pub async fn create(
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    cluster: &ClusterName,
    told: &(dyn Fn(&str) + Sync),
) -> Result<(), SnapshotError> {
    if list::list(&**engine).await?.iter().any(|snapshot| snapshot.name == *name) {
        return Err(SnapshotError::Taken { name: name.clone() });
    }
    make(engine, name, cluster, None, told).await
}

/// Makes a snapshot beside others of that name, with a note of what is in it.
///
/// # Errors
/// As [`create`].
pub async fn make(
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    cluster: &ClusterName,
    contents: Option<&str>,
    told: &(dyn Fn(&str) + Sync),
) -> Result<(), SnapshotError> {
    let containers = inventory::cluster(&**engine, cluster).await?;
    let nodes: Vec<&ContainerFacts> = containers.iter().filter(|one| is_node(&one.labels)).collect();
    let down = nodes.iter().filter(|node| node.state != "running");
    let down: Vec<String> = down.map(|node| format!("{} ({})", node.name, node.state)).collect();
    if !down.is_empty() {
        return Err(SnapshotError::NotRunning { cluster: cluster.clone(), containers: down.join(", ") });
    }
    let is_known = |one: &&ContainerFacts| {
        // A snapshot that was killed left what it was made in.
        let beside = [ROLE_LOAD_BALANCER, ROLE_SNAPSHOT];
        is_node(&one.labels) || one.labels.get(LABEL_ROLE).is_some_and(|role| beside.contains(&role.as_str()))
    };
    if let Some(other) = containers.iter().find(|one| !is_known(one)) {
        let what = format!("a registry ({})", other.name);
        return Err(SnapshotError::Holds { cluster: cluster.clone(), what });
    }
    let control_plane = Role::ControlPlane.to_string();
    let first = nodes.iter().find(|node| node.labels.get(LABEL_ROLE) == Some(&control_plane));
    let unknown = || SnapshotError::Unknown { cluster: cluster.clone() };
    let first = first.ok_or_else(unknown)?;
    let read = engine.exec(&first.id, &Command::new(["cat", MADE_PATH])).await?;
    let made = read.success().ok().as_deref().and_then(Made::parse).ok_or_else(unknown)?;
    let version = engine.exec(&first.id, &Command::new(["cat", "/kind/version"])).await?.success()?;
    let marks = Marks::new(name, contents, &made, version.trim(), nodes.len());
    let copies = nodes.iter().map(|node| Copy { engine, node, marks: &marks }).collect::<Vec<_>>();
    told("freezing the nodes");
    let packed = async {
        power::freeze(&**engine, cluster).await?;
        told("copying them");
        try_join_all(copies.iter().map(Copy::pack)).await
    };
    let packed = packed.await;
    // First of all, and whatever happened: the cluster goes on.
    let thawed = power::thaw(&**engine, cluster).await;
    let kept = async {
        packed?;
        thawed?;
        told("keeping the copies");
        try_join_all(copies.iter().map(Copy::keep)).await
    };
    let kept = kept.await;
    join_all(copies.iter().map(Copy::tidy)).await.into_iter().collect::<Result<Vec<()>, _>>()?;
    if kept.is_err() {
        // What was made of it is no snapshot; why it failed is of more use than that something of it stays.
        list::remove(&**engine, &marks.id).await.ok();
    }
    kept.map(drop)
}

/// The copy of one node.
struct Copy<'a> {
    engine: &'a Arc<dyn Engine>,
    node: &'a ContainerFacts,
    marks: &'a Marks,
}

impl Copy<'_> {
    /// What the engine calls the image of the node's container without its `/var`.
    fn half(&self) -> String {
        format!("{}-half", self.image())
    }

    fn image(&self) -> String {
        self.marks.image(node_name_of(self.node))
    }

    /// The container in which the copy is made.
    fn helper(&self) -> String {
        format!("kind-rs-snapshot-{}-{}", self.marks.id, self.node.name)
    }

    /// What the helper carries: it is part of the cluster, and goes with it if nobody lives to remove it before.
    fn labels(&self) -> Labels {
        let of_cluster = [LABEL_CLUSTER, LABEL_INSTANCE, LABEL_MANAGED, LABEL_OWNER, LABEL_SCOPE, LABEL_STATE];
        let taken_over = self.node.labels.iter().filter(|(label, _)| of_cluster.contains(&label.as_str()));
        let mut labels: Labels = taken_over.map(|(label, value)| (label.clone(), value.clone())).collect();
        labels.insert(LABEL_ROLE.to_owned(), ROLE_SNAPSHOT.to_owned());
        labels.insert(LABEL_CONTAINER.to_owned(), self.helper());
        labels
    }

    /// Keeps what the container changed and what is in its volume, while it is frozen.
    async fn pack(&self) -> Result<(), SnapshotError> {
        let half = self.half();
        let mut changes = blank();
        changes.extend(self.marks.labels(None));
        self.engine.commit(&self.node.id, &half, &changes).await?;
        // Only who may do everything sees the attributes of overlays, which images in the node have.
        let spec = ContainerSpec {
            name: self.helper(),
            image: half,
            entrypoint: vec!["/bin/sleep".to_owned(), "infinity".to_owned()],
            labels: self.labels(),
            volumes_of: self.node.id.clone(),
            privileges: Privileges::Full,
            files: vec![NodeFile::executable("/kind/snapshot-start", START)],
            ..ContainerSpec::default()
        };
        self.engine.run_container(&spec).await?;
        self.engine.exec(&self.helper(), &Command::new(["bash", "-c", PACK])).await?.success()?;
        Ok(())
    }

    /// Makes the image.
    async fn keep(&self) -> Result<(), SnapshotError> {
        let engine = self.engine;
        let place = Command::new(["mv", "/kind/snapshot-start", START_PATH]);
        engine.exec(&self.helper(), &place).await?.success()?;
        // Not the node's image by its name, which may be another's by now.
        let facts = engine.image(&self.half()).await?;
        let mut command = facts.map(|image| image.command).unwrap_or_default();
        // That of a clone begins with this program already.
        if command.first().is_some_and(|first| first == START_PATH) {
            command.remove(0);
        }
        if command.is_empty() {
            return Err(SnapshotError::NoCommand { node: self.node.name.clone() });
        }
        command.insert(0, START_PATH.to_owned());
        let mut changes = self.marks.labels(Some(node_name_of(self.node)));
        changes.push(format!("ENTRYPOINT {}", serde_json::Value::from(command)));
        changes.push("CMD []".to_owned());
        Ok(engine.commit(&self.helper(), &self.image(), &changes).await?)
    }

    async fn tidy(&self) -> Result<(), SnapshotError> {
        self.engine.remove_container(&self.helper()).await?;
        Ok(self.engine.remove_image(&self.half()).await?)
    }
}

/// Takes away from the image of a container what its labels say of the container.
fn blank() -> Vec<String> {
    let emptied = [LABEL_SCOPE, LABEL_INSTANCE, LABEL_STATE];
    let mut changes: Vec<String> = emptied.map(|label| format!("LABEL {label}=\"\"")).into();
    changes.push(format!("LABEL {LABEL_KIND}=\"snapshot\""));
    changes
}
