//! Requests about volumes.

use bollard::{
    Docker,
    query_parameters::{ListVolumesOptions, RemoveVolumeOptions},
};

use super::request::{label_filter, optional, send};
use crate::{EngineError, Labels, VolumeFacts};

pub(super) async fn list(docker: &Docker, labels: &Labels) -> Result<Vec<VolumeFacts>, EngineError> {
    let options = ListVolumesOptions { filters: Some(label_filter(labels)) };
    let answer = send("list", "volumes", docker.list_volumes(Some(options))).await?;
    let facts = answer.volumes.unwrap_or_default().into_iter().map(|volume| VolumeFacts {
        name: volume.name,
        labels: volume.labels.into_iter().collect(),
        created: volume.created_at.unwrap_or_default(),
    });
    Ok(facts.collect())
}

pub(super) async fn remove(docker: &Docker, name: &str) -> Result<(), EngineError> {
    let removed = docker.remove_volume(name, None::<RemoveVolumeOptions>);
    optional(send("remove volume", name, removed).await)?;
    Ok(())
}
