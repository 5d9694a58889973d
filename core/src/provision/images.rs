//! Step: the user's images, into every node.

use super::{
    context::Context,
    steps::{Failure, StepError},
};
use crate::load::{self, load_images};

pub(super) async fn load(context: &Context) -> Result<(), Failure> {
    let nodes: Vec<String> = context.plan.nodes.iter().map(|node| node.name.to_string()).collect();
    let loaded = load_images(&*context.engine, &nodes, &context.plan.blueprint.spec.images).await;
    loaded.map_err(|error| StepError::Load(Box::new(error)))?;
    Ok(())
}

/// Whether the engine has all of them.
pub(super) async fn check(engine: &dyn kind_engine::Engine, images: &[String]) -> Result<(), Failure> {
    Ok(load::check(engine, images).await.map_err(|error| StepError::Load(Box::new(error)))?)
}
