//! Step: what the node image brings as manifests: the default storage class, and a pod network where the image does not
//! have one built in.

use kind_engine::Command;
use kind_images::features;

use super::{
    apply::{Objects, apply},
    context::Context,
    steps::{Failure, OnNode as _, StepError},
};

/// Where images keep their manifests; kind's place.
const STORAGE: &str = "/kind/manifests/default-storage.yaml";
const NETWORK: &str = "/kind/manifests/default-cni.yaml";

pub(super) async fn install(context: &Context) -> Result<(), Failure> {
    let first = context.plan.first();
    let applied = apply(context, "the default storage class", Objects::File(STORAGE)).await?;
    applied.success().on(&first.name)?;
    if context.plan.blueprint.spec.networking.disable_default_cni || has_network(context).await? {
        return Ok(());
    }
    // kind's images carry a Go template with this one variable.
    let manifest = context.run(first, Command::new(["cat", NETWORK])).await?;
    let subnet = &context.plan.blueprint.spec.networking.pod_subnet;
    let manifest = manifest.replace("{{ .PodSubnet }}", subnet).replace("{{.PodSubnet}}", subnet);
    let applied = apply(context, "the pod network", Objects::Text(manifest.as_bytes())).await?;
    applied.success().on(&first.name)?;
    Ok(())
}

async fn has_network(context: &Context) -> Result<bool, Failure> {
    let image = &context.plan.first().image;
    let facts = context.engine.image(image).await?;
    let facts = facts.ok_or_else(|| StepError::NoImage { image: image.clone() })?;
    Ok(features::has(&facts, features::POD_NETWORK))
}
