//! Step: a network of the cluster's own, so that clusters neither see each other nor share addresses.

use kind_engine::{ContainerFacts, EngineError, Labels, NetworkFacts, NetworkSpec};

use super::{context::Context, steps::Failure};
use crate::spec::{LABEL_INSTANCE, cluster_labels};

/// Makes the network and returns its identifier. Another one of that name may be there: a leftover, or that of a creation
/// of the same name at the same time. Containers are attached by identifier, so that does no harm; whose the cluster's
/// name is, the first container decides.
pub(super) async fn create(context: &Context) -> Result<String, Failure> {
    let blueprint = &context.plan.blueprint;
    let ipv6 = blueprint.spec.networking.ip_family.has_ipv6();
    let subnet = ipv6.then(unique_local_range);
    let name = blueprint.name.network();
    let spec = NetworkSpec { name, labels: context.plan.labels.clone(), ipv6, subnet, ..NetworkSpec::default() };
    match blueprint.creation.network(&context.engine, spec.clone()).await {
        // Engines since 25 let no two networks have one name.
        Err(error) if error.is_conflict() => {
            let name = format!("{}-{}", spec.name, blueprint.creation.instance());
            Ok(blueprint.creation.network(&context.engine, NetworkSpec { name, ..spec }).await?)
        }
        other => Ok(other?),
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

/// A range that no other network of this machine has: engines before 27 choose none by themselves. The nodes' own
/// addresses are others; this one is for the engine.
fn unique_local_range() -> String {
    let mut random = [0_u8; 5];
    getrandom::fill(&mut random).expect("the kernel has random numbers");
    // RFC 4193: 40 random bits behind `fd`, then a subnet.
    let [first, rest @ ..] = random;
    let [left, right] = [&rest[..2], &rest[2..]].map(|two| format!("{:02x}{:02x}", two[0], two[1]));
    format!("fd{first:02x}:{left}:{right}::/64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_engine_are_unique_local_and_differ() {
        let (one, other) = (unique_local_range(), unique_local_range());
        assert_ne!(one, other);
        let address: std::net::Ipv6Addr = one.strip_suffix("/64").unwrap().parse().unwrap();
        assert!(address.is_unique_local() && address.segments()[3..] == [0; 5], "{one}");
    }
}
