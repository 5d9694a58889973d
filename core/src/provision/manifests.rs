//! Step: the user's manifests, in order.

use super::{
    apply::{Objects, apply},
    context::Context,
    steps::{Failure, StepError},
};
use crate::spec::{Manifest, SpecError};

pub(super) async fn install(context: &Context) -> Result<(), Failure> {
    for manifest in &context.plan.blueprint.spec.manifests {
        let text = content(manifest)?;
        let output = apply(context, &format!("manifest {}", manifest.path), Objects::Text(text.as_bytes())).await?;
        if output.exit_code != 0 {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(StepError::Manifest { path: manifest.path.clone(), words }.into());
        }
    }
    Ok(())
}

/// Its text, which whoever read the configuration has read, too.
pub(super) fn content(manifest: &Manifest) -> Result<&String, StepError> {
    let unread = || StepError::Spec(vec![SpecError::Manifest { path: manifest.path.clone() }]);
    manifest.content.as_ref().ok_or_else(unread)
}
