//! Step: a network of the cluster's own, so that clusters neither see each other nor share addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;
use kind_engine::{ContainerFacts, EngineError, Labels, NetworkFacts, NetworkSpec};

use super::{
    context::Context,
    routes::routes,
    steps::{Failure, StepError},
};
use crate::spec::{ClusterName, ClusterSpec, LABEL_INSTANCE, NetworkPools, cluster_labels};

/// The engine's default network and the option by which an engine is told how large packets may be. Who runs it set that
/// for all of them (`dockerd --mtu`), and the engine itself heeds it on this network alone.
const DEFAULT_NETWORK: &str = "bridge";
const MTU: &str = "com.docker.network.driver.mtu";
/// How engines say that somebody was faster.
const OVERLAPS: [&str; 3] = ["overlap", "already used", "conflicts with network"];

/// Makes the network and returns its identifier. Another one of that name may be there: a leftover, or that of a creation
/// of the same name at the same time. Containers are attached by identifier, so that does no harm; whose the cluster's
/// name is, the first container decides.
pub(super) async fn create(context: &Context) -> Result<String, Failure> {
    let blueprint = &context.plan.blueprint;
    let present = context.engine.networks(&Labels::new()).await?;
    let spec = NetworkSpec {
        name: blueprint.name.network(),
        labels: context.plan.labels.clone(),
        ipv6: blueprint.spec.networking.ip_family.has_ipv6(),
        subnets: Vec::new(),
        options: options(&present),
    };
    let taken = taken_ranges(&present, context.machine.local).await;
    let Some(candidates) = blueprint.pools.candidates(&blueprint.name, &blueprint.spec, &taken) else {
        return Ok(named(context, spec).await?);
    };
    for subnets in candidates {
        match named(context, NetworkSpec { subnets, ..spec.clone() }).await {
            // Another creation has taken it meanwhile, or the engine knows of something that we do not.
            Err(error) if overlaps(&error) => {}
            other => return Ok(other?),
        }
    }
    Err(StepError::NoRange { pools: blueprint.pools.clone() }.into())
}

/// Makes it under the cluster's name, or under one of this creation's own where the engine lets no two networks have one.
async fn named(context: &Context, spec: NetworkSpec) -> Result<String, EngineError> {
    let creation = &context.plan.blueprint.creation;
    match creation.network(&context.engine, spec.clone()).await {
        // Engines since 25.
        Err(error) if error.is_conflict() => {
            let name = format!("{}-{}", spec.name, creation.instance());
            creation.network(&context.engine, NetworkSpec { name, ..spec }).await
        }
        other => other,
    }
}

/// Removes what dead creations of the same name left: networks that nothing is attached to, and volumes. Only for who has
/// the name: no other creation can have more than a network by then, and that one is about to fail. Nothing depends on
/// it, so what the engine refuses stays for `kind-rs gc`.
pub(super) async fn remove_leftovers(context: &Context) {
    if let Err(error) = leftovers(context).await {
        let cluster = context.plan.blueprint.name.as_str();
        tracing::warn!(%error, cluster, "could not remove what an earlier cluster left");
    }
}

async fn leftovers(context: &Context) -> Result<(), EngineError> {
    let (engine, ours) = (&context.engine, context.plan.blueprint.creation.instance());
    let all = cluster_labels(&context.plan.blueprint.name);
    let is_other = |labels: &Labels| labels.get(LABEL_INSTANCE).map(String::as_str) != Some(ours.as_str());
    let mut networks = engine.networks(&all).await?;
    networks.retain(|network| is_other(&network.labels));
    let mut volumes = engine.volumes(&all).await?;
    volumes.retain(|volume| is_other(&volume.labels));
    if networks.is_empty() && volumes.is_empty() {
        return Ok(());
    }
    let containers = engine.containers(&Labels::new()).await?;
    let is_attached = |network: &NetworkFacts| containers.iter().any(|container| container.is_in(&network.id));
    for network in networks.iter().filter(|network| !is_attached(network)) {
        engine.remove_network(&network.id).await?;
    }
    let is_used = |name: &String| containers.iter().any(|container: &ContainerFacts| container.volumes.contains(name));
    for volume in volumes.iter().filter(|volume| !is_used(&volume.name)) {
        engine.remove_volume(&volume.name).await?;
    }
    Ok(())
}

/// A range that a network could have now; `None` where there is none, or the engine would choose.
pub(crate) async fn free_range(pools: &NetworkPools, present: &[NetworkFacts], local: bool) -> Option<IpNet> {
    let taken = taken_ranges(present, local).await;
    let name = ClusterName::new("kind").expect("a valid name");
    pools.candidates(&name, &ClusterSpec::default(), &taken)?.next()?.first().copied()
}

/// What nobody else may have: ranges of the engine's networks and, where it is this machine's, of routes.
async fn taken_ranges(present: &[NetworkFacts], local: bool) -> Vec<IpNet> {
    let mut taken: Vec<IpNet> = present.iter().flat_map(|network| &network.subnets).copied().collect();
    if local {
        match tokio::task::spawn_blocking(routes).await {
            Ok(Ok(routes)) => taken.extend(routes.into_iter().map(|route| route.to)),
            Ok(Err(error)) => tracing::warn!("the machine's routes cannot be read, so a VPN may be met: {error}"),
            Err(error) => tracing::warn!("the machine's routes were not read: {error}"),
        }
    }
    taken
}

fn options(present: &[NetworkFacts]) -> BTreeMap<String, String> {
    let default = present.iter().find(|network| network.name == DEFAULT_NETWORK);
    let mtu = default.and_then(|network| network.options.get(MTU)).filter(|mtu| *mtu != "0");
    mtu.map(|mtu| (MTU.to_owned(), mtu.clone())).into_iter().collect()
}

fn overlaps(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused { message, .. } if OVERLAPS.iter().any(|words| message.contains(words)))
}
