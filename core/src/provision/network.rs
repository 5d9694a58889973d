//! Step: a network of the cluster's own, so that clusters neither see each other nor share addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;
use kind_engine::{EngineError, Labels, NetworkFacts, NetworkSpec};

use super::{
    context::{Context, Network},
    destroy::remove_network,
    routes::routes,
    steps::{Failure, StepError},
};
use crate::{
    spec::{ClusterName, ClusterSpec, LABEL_INSTANCE, NetworkPools, cluster_labels, part_of_containers},
    warnings::warn,
};

/// The engine's default network and the option by which an engine is told how large packets may be. Who runs it set that
/// for all of them (`dockerd --mtu`), and the engine itself heeds it on this network alone.
const DEFAULT_NETWORK: &str = "bridge";
const MTU: &str = "com.docker.network.driver.mtu";
/// How engines say that somebody was faster.
const OVERLAPS: [&str; 3] = ["overlap", "already used", "conflicts with network"];

/// Makes the network. Only for who has the cluster's name: engines before 25 let two networks
/// have one name, and then start no container in either, however it asks for its network.
pub(super) async fn create(context: &Context) -> Result<Network, Failure> {
    let blueprint = &context.plan.blueprint;
    let mut present = context.engine.networks(&Labels::new()).await?;
    remove_leftovers(context, &mut present).await?;
    let mut name = blueprint.name.network();
    if present.iter().any(|network| network.name == name) {
        // It is a stranger's.
        name = format!("{name}-{}", blueprint.creation.instance());
    }
    let spec = NetworkSpec {
        name,
        labels: context.plan.labels.clone(),
        ipv6: blueprint.spec.networking.ip_family.has_ipv6(),
        subnets: Vec::new(),
        own_parts: Vec::new(),
        options: options(&present),
    };
    let taken = taken_ranges(&present, context.machine.local).await;
    let Some(candidates) = blueprint.pools.candidates(&blueprint.name, &blueprint.spec, &taken) else {
        let id = blueprint.creation.network(&context.engine, spec).await?;
        let present = context.engine.networks(&context.plan.labels).await?;
        let chosen = present.into_iter().find(|network| network.id == id);
        return Ok(Network { id, ranges: chosen.map(|network| network.subnets).unwrap_or_default() });
    };
    for ranges in candidates {
        let own_parts = ranges.iter().filter_map(part_of_containers).collect();
        let spec = NetworkSpec { subnets: ranges.clone(), own_parts, ..spec.clone() };
        match blueprint.creation.network(&context.engine, spec).await {
            // Another creation has taken it meanwhile, or the engine knows of something that we do not.
            Err(error) if overlaps(&error) => {}
            id => return Ok(Network { id: id?, ranges }),
        }
    }
    Err(StepError::NoRange { pools: blueprint.pools.clone() }.into())
}

/// Removes networks and volumes that other creations of the same name left. Those are dead, or lost the name and are about
/// to remove their network themselves.
async fn remove_leftovers(context: &Context, present: &mut Vec<NetworkFacts>) -> Result<(), EngineError> {
    let (engine, blueprint) = (&*context.engine, &context.plan.blueprint);
    let all = cluster_labels(&blueprint.name);
    let ours = blueprint.creation.instance().as_str();
    let is_left = |labels: &Labels| {
        all.iter().all(|(label, value)| labels.get(label) == Some(value))
            && labels.get(LABEL_INSTANCE).is_none_or(|instance| instance != ours)
    };
    for network in present.extract_if(.., |network| is_left(&network.labels)) {
        for guest in remove_network(engine, &network).await? {
            warn(format_args!("disconnected container {guest}: an earlier cluster left the network"));
        }
    }
    for volume in engine.volumes(&all).await?.into_iter().filter(|volume| is_left(&volume.labels)) {
        // Where somebody uses it, it is no cluster's any more.
        if let Err(error) = engine.remove_volume(&volume.name).await
            && !error.is_conflict()
        {
            return Err(error);
        }
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
