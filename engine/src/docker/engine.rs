//! `DockerEngine`: one delegating method per request.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bollard::{Docker, models::HostConfig};
use tokio::sync::{OnceCell, Semaphore};

use super::{
    containers, exec, facts, images, networks,
    privileges::{self, Grants},
    stats, streaming, volumes,
};
use crate::{
    Command, ContainerFacts, ContainerSpec, Engine, EngineAddress, EngineError, EngineFacts, ExecOutput, ImageFacts,
    Labels, NetworkFacts, NetworkSpec, NodeFile, Pull, Streams, VolumeFacts,
};

/// A Docker engine, 20.10 (API 1.41) or later.
pub struct DockerEngine {
    pub(super) docker: Docker,
    /// Where it is.
    pub(super) address: EngineAddress,
    /// How this engine gives full privileges; found out by the first container that asks.
    pub(super) privileged: OnceCell<Grants>,
    /// Many containers or commands started at once make older engines fail (kubeadm PR#2979), so there is a bound.
    pub(super) starts: Semaphore,
}

#[async_trait]
impl Engine for DockerEngine {
    fn apart(self: Arc<Self>) -> Arc<dyn Engine> {
        match self.again() {
            Ok(engine) => Arc::new(engine),
            // It worked the first time; a certificate that went away meanwhile is no reason to stop.
            Err(error) => {
                tracing::debug!("the engine's connections are shared: {error}");
                self
            }
        }
    }

    async fn facts(&self) -> Result<EngineFacts, EngineError> {
        facts::facts(&self.docker, &self.address).await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageFacts>, EngineError> {
        images::inspect(&self.docker, reference).await
    }

    async fn images(&self, labels: &Labels) -> Result<Vec<ImageFacts>, EngineError> {
        images::list(&self.docker, labels).await
    }

    async fn manifests(&self, image: &ImageFacts) -> Result<Vec<String>, EngineError> {
        images::manifests(&self.docker, image).await
    }

    async fn pull_image(&self, reference: &str, pull: Pull<'_>) -> Result<(), EngineError> {
        images::pull(&self.docker, reference, pull).await
    }

    async fn import_image(&self, tar: &Path, reference: &str, changes: &[String]) -> Result<(), EngineError> {
        images::import(&self.docker, tar, reference, changes).await
    }

    async fn load_image(&self, tar: &Path) -> Result<(), EngineError> {
        images::load(&self.docker, tar).await
    }

    async fn save_images(&self, references: &[String], tar: &Path) -> Result<(), EngineError> {
        images::save(&self.docker, references, tar).await
    }

    async fn tag_image(&self, reference: &str, name: &str) -> Result<(), EngineError> {
        images::tag(&self.docker, reference, name).await
    }

    async fn commit(&self, container: &str, reference: &str, changes: &[String]) -> Result<(), EngineError> {
        images::commit(&self.docker, container, reference, changes).await
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        images::remove(&self.docker, reference).await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, EngineError> {
        networks::create(&self.docker, spec).await
    }

    async fn networks(&self, labels: &Labels) -> Result<Vec<NetworkFacts>, EngineError> {
        networks::list(&self.docker, labels).await
    }

    async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        networks::remove(&self.docker, id).await
    }

    async fn disconnect(&self, network: &str, container: &str) -> Result<(), EngineError> {
        networks::disconnect(&self.docker, network, container).await
    }

    async fn volumes(&self, labels: &Labels) -> Result<Vec<VolumeFacts>, EngineError> {
        volumes::list(&self.docker, labels).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        volumes::remove(&self.docker, name).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        containers::create(&self.docker, spec, HostConfig::default()).await
    }

    async fn run_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let _permit = self.starts.acquire().await;
        privileges::run(self, spec).await
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        containers::start(&self.docker, name).await
    }

    async fn stop_container(&self, name: &str, grace_seconds: i32) -> Result<(), EngineError> {
        containers::stop(&self.docker, name, grace_seconds).await
    }

    async fn signal_container(&self, name: &str, signal: &str) -> Result<(), EngineError> {
        containers::signal(&self.docker, name, signal).await
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        containers::pause(&self.docker, name).await
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        containers::unpause(&self.docker, name).await
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        containers::remove(&self.docker, name).await
    }

    async fn container(&self, name: &str) -> Result<Option<ContainerFacts>, EngineError> {
        containers::inspect(&self.docker, name).await
    }

    async fn describe_container(&self, name: &str) -> Result<Option<String>, EngineError> {
        containers::describe(&self.docker, name).await
    }

    async fn describe(&self) -> Result<String, EngineError> {
        facts::describe(&self.docker).await
    }

    async fn containers(&self, labels: &Labels) -> Result<Vec<ContainerFacts>, EngineError> {
        containers::list(&self.docker, labels).await
    }

    async fn memory(&self, name: &str) -> Result<Option<u64>, EngineError> {
        stats::memory(&self.docker, name).await
    }

    async fn logs(&self, name: &str, lines: usize) -> Result<String, EngineError> {
        containers::logs(&self.docker, name, lines).await
    }

    async fn exec(&self, container: &str, command: &Command) -> Result<ExecOutput, EngineError> {
        exec::run(&self.docker, &self.starts, container, command, exec::Input::Bytes(command.stdin.as_deref())).await
    }

    async fn exec_with_file(
        &self,
        container: &str,
        command: &Command,
        stdin: &Path,
    ) -> Result<ExecOutput, EngineError> {
        exec::run(&self.docker, &self.starts, container, command, exec::Input::File(stdin)).await
    }

    async fn exec_streaming(
        &self,
        container: &str,
        command: &Command,
        streams: Streams<'_>,
    ) -> Result<i64, EngineError> {
        streaming::run(&self.docker, container, command, streams).await
    }

    async fn write_files(&self, container: &str, files: &[NodeFile]) -> Result<(), EngineError> {
        containers::write_files(&self.docker, container, files).await
    }

    async fn upload_tar(&self, container: &str, folder: &str, tar: &Path) -> Result<(), EngineError> {
        containers::upload(&self.docker, container, folder, tar).await
    }

    async fn download_tar(&self, container: &str, path: &str, tar: &Path) -> Result<(), EngineError> {
        containers::download(&self.docker, container, path, tar).await
    }
}
