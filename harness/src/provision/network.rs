//! Step: a network of the cluster's own, so that clusters neither see each other nor share addresses.

use kind_engine::NetworkSpec;

use super::{
    context::Context,
    steps::{Failure, StepError},
};

pub(super) async fn create(context: &Context) -> Result<(), Failure> {
    let plan = &context.plan;
    let name = plan.blueprint.name.network();
    let taken = context.engine.containers(&crate::spec::cluster_filter(&plan.blueprint.name)).await?;
    if !taken.is_empty() {
        let containers = taken.iter().map(|found| found.name.clone()).collect::<Vec<_>>().join(", ");
        return Err(StepError::NameTaken { name: plan.blueprint.name.to_string(), containers }.into());
    }
    // Docker lets several networks have one name; a leftover of a killed run would make the name ambiguous.
    for leftover in context.engine.networks(&crate::spec::cluster_labels(&plan.blueprint.name)).await? {
        context.engine.remove_network(&leftover.id).await?;
    }
    let ipv6 = plan.blueprint.spec.networking.ip_family.has_ipv6();
    let subnet = ipv6.then(unique_local_range);
    let spec = NetworkSpec { name, labels: plan.labels.clone(), ipv6, subnet, ..NetworkSpec::default() };
    context.engine.create_network(&spec).await?;
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
