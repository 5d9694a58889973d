//! Removal: everything that carries an identity, containers first, then networks and volumes. Doing it twice does no harm.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use kind_engine::{Attachment, ContainerFacts, Engine, EngineError, Labels, NetworkFacts, VolumeFacts};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    inventory,
    spec::{ClusterName, Instance, LABEL_CLUSTER, LABEL_INSTANCE, cluster_labels, instance_labels},
    wait::{self, Check, WaitError},
};

/// How long a network or a volume may be in use by containers that are about to go.
const IN_USE: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(100);
/// How long an engine may still be carrying out the last requests of a creation that was killed.
const YOUNG: Duration = Duration::from_secs(120);
/// How many looks in a row must find nothing where something was made so short a time ago.
const QUIET: u32 = 6;
/// For how long it is looked.
const LOOKS: Duration = Duration::from_secs(60);

/// A cluster could not be removed as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestroyError {
    /// The engine refused or did not answer.
    #[error("remove cluster {name}")]
    Engine {
        /// The cluster's name.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: EngineError,
    },
    /// The engine has not answered what a creation asked it for, and may still make it.
    #[error(
        "remove cluster {name}: the engine has not answered {count} request{} of its creation within {} s and may still carry {} out",
        if *count == 1 { "" } else { "s" }, limit.as_secs(), if *count == 1 { "it" } else { "them" }
    )]
    Unanswered {
        /// The cluster's name.
        name: ClusterName,
        /// How many requests.
        count: usize,
        /// How long they were waited for.
        limit: Duration,
    },
    /// There was always more to remove.
    #[error("remove cluster {name}: something makes it anew")]
    Restless {
        /// The cluster's name.
        name: ClusterName,
        /// How long it was tried.
        #[source]
        source: WaitError,
    },
}

/// What a removal removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The names of containers, networks and volumes.
    pub names: Vec<String>,
    /// Containers of others that were taken out of a network that went, as `CONTAINER from NETWORK`.
    pub disconnected: Vec<String>,
    /// Volumes that stay because containers of others use them, as `VOLUME for CONTAINER`.
    pub kept: BTreeSet<String>,
}

impl Removed {
    /// Whether there was nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn and(&mut self, more: Self) {
        self.names.extend(more.names);
        self.disconnected.extend(more.disconnected);
        self.kept.extend(more.kept);
    }
}

/// Removes what carries all of these labels, which name an identity and not only a cluster: its containers with their
/// volumes, then its networks, then volumes that lost their containers. That there is nothing is no error.
///
/// # Errors
/// When the engine refuses.
pub async fn destroy(engine: &dyn Engine, name: &ClusterName, owned: &Labels) -> Result<Removed, DestroyError> {
    let removed = async {
        let mut removed =
            remove(engine, inventory::members(engine, owned).await?, engine.networks(owned).await?).await?;
        for volume in engine.volumes(owned).await? {
            match remove_volume(engine, &volume).await? {
                None => removed.names.push(volume.name),
                Some(user) => {
                    removed.kept.insert(format!("{} for {user}", volume.name));
                }
            }
        }
        Ok(removed)
    };
    removed.await.map_err(|source| DestroyError::Engine { name: name.clone(), source })
}

/// Removes a cluster that a user named, also one that the real kind made: all that has the name now, whoever made it.
/// The network `kind`, which all clusters of the real kind share, stays, as it does there. Nothing that cleans up by
/// itself may call this.
///
/// # Errors
/// When the engine refuses.
pub async fn destroy_named(engine: &dyn Engine, name: &ClusterName) -> Result<Removed, DestroyError> {
    let failed = |source| DestroyError::Engine { name: name.clone(), source };
    let ours = cluster_labels(name);
    let mut containers = inventory::containers(engine, name).await.map_err(failed)?;
    let mut networks = engine.networks(&ours).await.map_err(failed)?;
    let volumes = engine.volumes(&ours).await.map_err(failed)?;
    // A creation that goes on, or that was killed a moment ago.
    let mut is_young = containers.iter().any(|container| container.state == "created");
    if !networks.is_empty() && !is_young {
        let now = engine.facts().await.map_err(failed)?.time;
        is_young = networks.iter().any(|network| made_within(YOUNG, &network.created, &now));
    }
    let looks = if is_young { QUIET } else { 1 };
    let labels = containers.iter().map(|container| &container.labels);
    let labels = labels.chain(networks.iter().map(|network| &network.labels));
    let labels = labels.chain(volumes.iter().map(|volume| &volume.labels));
    let instances: BTreeSet<Instance> = labels.filter_map(instance_of).collect();
    // The real kind's, and what kind-rs made before there were instances.
    containers.retain(|container| instance_of(&container.labels).is_none());
    networks.retain(|network| instance_of(&network.labels).is_none());
    let mut removed = remove(engine, containers, networks).await.map_err(failed)?;
    removed.and(settle(engine, name, &instances, looks).await?);
    Ok(removed)
}

/// An empty one would stand for any.
fn instance_of(labels: &Labels) -> Option<Instance> {
    labels.get(LABEL_INSTANCE).and_then(|text| Instance::existing(text))
}

/// Removes what these creations made, until so many looks in a row find nothing more: they may go on, or have asked the
/// engine for something before they were killed. A later creation of the same name is none of them.
async fn settle(
    engine: &dyn Engine,
    name: &ClusterName,
    instances: &BTreeSet<Instance>,
    looks: u32,
) -> Result<Removed, DestroyError> {
    let (mut removed, mut quiet) = (Removed::default(), 0);
    if instances.is_empty() {
        return Ok(removed);
    }
    let what = "the end of what is being made";
    let settled = wait::until_or(EVERY, what, LOOKS, async || -> Result<Check<()>, DestroyError> {
        let before = removed.names.len();
        for instance in instances {
            removed.and(destroy(engine, name, &instance_labels(instance)).await?);
        }
        quiet = if removed.names.len() == before { quiet + 1 } else { 0 };
        Ok(if quiet >= looks { Check::Done(()) } else { Check::not_yet("there may come more") })
    });
    match settled.await? {
        Ok(()) => Ok(removed),
        Err(source) => Err(DestroyError::Restless { name: name.clone(), source }),
    }
}

/// Removes by the engine's identifiers.
async fn remove(
    engine: &dyn Engine,
    containers: Vec<ContainerFacts>,
    networks: Vec<NetworkFacts>,
) -> Result<Removed, EngineError> {
    let removals = join_all(containers.iter().map(|container| engine.remove_container(&container.id))).await;
    removals.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut removed =
        Removed { names: containers.into_iter().map(|container| container.name).collect(), ..Removed::default() };
    for network in networks {
        removed.disconnected.extend(remove_network(engine, &network).await?);
        removed.names.push(network.name);
    }
    Ok(removed)
}

/// Removes a network. Containers of others in it are taken out of it first, and named; those of its own cluster are on
/// their way out, or were made while it was looked for them.
pub(super) async fn remove_network(
    engine: &dyn Engine,
    network: &NetworkFacts,
) -> Result<BTreeSet<String>, EngineError> {
    let (mut disconnected, mut refusal) = (BTreeSet::new(), None);
    let what = format!("the end of network {}", network.name);
    let removed = wait::until_or(EVERY, what, IN_USE, async || -> Result<Check<()>, EngineError> {
        for container in engine.containers(&Labels::new()).await? {
            // One that never ran only knows the network's name.
            let is_to_be = |one: &Attachment| one.id.is_empty() && one.name == network.name;
            if !container.is_in(&network.id) && !container.networks.iter().any(is_to_be) {
                continue;
            }
            if is_of_same_creation(&container, &network.labels) {
                engine.remove_container(&container.id).await?;
            } else {
                engine.disconnect(&network.id, &container.id).await?;
                disconnected.insert(format!("{} from {}", container.name, network.name));
            }
        }
        match engine.remove_network(&network.id).await {
            Ok(()) => Ok(Check::Done(())),
            // Somebody is in it again, or still.
            Err(error) if error.is_forbidden() => {
                let status = Check::not_yet(error.to_string());
                refusal = Some(error);
                Ok(status)
            }
            Err(error) => Err(error),
        }
    });
    match removed.await? {
        Ok(()) => Ok(disconnected),
        Err(_) => Err(refusal.unwrap_or_else(|| EngineError::TimedOut {
            action: "remove network",
            object: network.name.clone(),
            seconds: IN_USE.as_secs(),
        })),
    }
}

/// Removes a volume. While a container of its own cluster is on its way out it is in use; where a container of somebody
/// else uses it, it stays, and that container is returned.
async fn remove_volume(engine: &dyn Engine, volume: &VolumeFacts) -> Result<Option<String>, EngineError> {
    let mut refusal = None;
    let what = format!("the end of volume {}", volume.name);
    let removed = wait::until_or(EVERY, what, IN_USE, async || -> Result<Check<Option<String>>, EngineError> {
        let error = match engine.remove_volume(&volume.name).await {
            Ok(()) => return Ok(Check::Done(None)),
            Err(error) if error.is_conflict() => error,
            Err(error) => return Err(error),
        };
        let mut users = engine.containers(&Labels::new()).await?;
        users.retain(|container| container.volumes.contains(&volume.name));
        for user in users {
            if !is_of_same_creation(&user, &volume.labels) {
                return Ok(Check::Done(Some(user.name)));
            }
            engine.remove_container(&user.id).await?;
        }
        let status = Check::not_yet(error.to_string());
        refusal = Some(error);
        Ok(status)
    });
    match removed.await? {
        Ok(user) => Ok(user),
        Err(_) => Err(refusal.unwrap_or_else(|| EngineError::TimedOut {
            action: "remove volume",
            object: volume.name.clone(),
            seconds: IN_USE.as_secs(),
        })),
    }
}

fn is_of_same_creation(container: &ContainerFacts, labels: &Labels) -> bool {
    let same = |label| container.labels.get(label) == labels.get(label);
    inventory::is_member(container) && same(LABEL_CLUSTER) && same(LABEL_INSTANCE)
}

/// Whether something was made within that time. Both times are the engine's; where it does not say one of them, it was.
pub fn made_within(limit: Duration, created: &str, now: &str) -> bool {
    let time = |text| OffsetDateTime::parse(text, &Rfc3339);
    match (time(created), time(now)) {
        (Ok(created), Ok(now)) => now - created < limit,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
