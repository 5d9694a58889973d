//! Step: the user's manifests, in order.

use std::time::Duration;

use kind_engine::Command;

use super::{
    context::{ADMINISTRATOR, Context},
    steps::{Failure, StepError},
};
use crate::{
    spec::{Manifest, SpecError},
    wait::{Check, until_or},
};

/// How long one manifest may take until the API server knows all that it is about.
const LIMIT: Duration = Duration::from_secs(90);
/// Answers that only say that something of the cluster, or of an earlier manifest, is not up yet.
const NOT_YET: [&str; 4] =
    ["no matches for kind", "failed calling webhook", "connection refused", "the server is currently unable"];

pub(super) async fn apply(context: &Context) -> Result<(), Failure> {
    for manifest in &context.plan.blueprint.spec.manifests {
        apply_one(context, manifest).await?;
    }
    Ok(())
}

async fn apply_one(context: &Context, manifest: &Manifest) -> Result<(), Failure> {
    let first = &context.plan.first().name;
    let text = content(manifest)?.clone();
    // On the server, because a client would keep a copy of each object in an annotation, which large ones do not fit into.
    let argv = ["kubectl", "--kubeconfig", ADMINISTRATOR, "apply", "--server-side", "--filename", "-"];
    let command = Command::new(argv).stdin(text);
    let what = format!("manifest {}", manifest.path);
    let applied = until_or(Duration::from_millis(500), what, LIMIT, async || -> Result<Check<()>, Failure> {
        let output = context.exec(first, &command).await?;
        if output.exit_code == 0 {
            return Ok(Check::Done(()));
        }
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if NOT_YET.iter().any(|not_yet| words.contains(not_yet)) {
            return Ok(Check::not_yet(words));
        }
        Err(StepError::Manifest { path: manifest.path.clone(), words }.into())
    });
    Ok(applied.await??)
}

/// Its text, which whoever read the configuration has read, too.
pub(super) fn content(manifest: &Manifest) -> Result<&String, StepError> {
    let unread = || StepError::Spec(vec![SpecError::Manifest { path: manifest.path.clone() }]);
    manifest.content.as_ref().ok_or_else(unread)
}
