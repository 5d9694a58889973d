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
    let spec = NetworkSpec { name, labels: plan.labels.clone(), ..NetworkSpec::default() };
    context.engine.create_network(&spec).await?;
    Ok(())
}
