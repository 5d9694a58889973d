//! Step: a network of the cluster's own, so that clusters neither see each other nor share addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;
use kind_engine::{EngineError, Labels, NetworkFacts, NetworkSpec};

use super::{
    context::Context,
    routes::routes,
    steps::{Failure, StepError},
};
use crate::spec::{ClusterName, ClusterSpec, NetworkPools};

/// The engine's default network and the option by which an engine is told how large packets may be. Who runs it set that
/// for all of them (`dockerd --mtu`), and the engine itself heeds it on this network alone.
const DEFAULT_NETWORK: &str = "bridge";
const MTU: &str = "com.docker.network.driver.mtu";
/// How engines say that somebody was faster.
const OVERLAPS: [&str; 3] = ["overlap", "already used", "conflicts with network"];

pub(super) async fn create(context: &Context) -> Result<(), Failure> {
    let plan = &context.plan;
    let blueprint = &plan.blueprint;
    let taken = context.engine.containers(&crate::spec::cluster_filter(&blueprint.name)).await?;
    if !taken.is_empty() {
        let containers = taken.iter().map(|found| found.name.clone()).collect::<Vec<_>>().join(", ");
        return Err(StepError::NameTaken { name: blueprint.name.to_string(), containers }.into());
    }
    // Docker lets several networks have one name; a leftover of a killed run would make the name ambiguous.
    for leftover in context.engine.networks(&crate::spec::cluster_labels(&blueprint.name)).await? {
        context.engine.remove_network(&leftover.id).await?;
    }
    let present = context.engine.networks(&Labels::new()).await?;
    let spec = NetworkSpec {
        name: blueprint.name.network(),
        labels: plan.labels.clone(),
        ipv6: blueprint.spec.networking.ip_family.has_ipv6(),
        subnets: Vec::new(),
        options: options(&present),
    };
    let taken = taken_ranges(&present, context.machine.local).await;
    let Some(candidates) = blueprint.pools.candidates(&blueprint.name, &blueprint.spec, &taken) else {
        context.engine.create_network(&spec).await?;
        return Ok(());
    };
    for subnets in candidates {
        match context.engine.create_network(&NetworkSpec { subnets, ..spec.clone() }).await {
            // Another creation has taken it meanwhile, or the engine knows of something that we do not.
            Err(error) if overlaps(&error) => {}
            other => return Ok(other.map(drop)?),
        }
    }
    Err(StepError::NoRange { pools: blueprint.pools.clone() }.into())
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
