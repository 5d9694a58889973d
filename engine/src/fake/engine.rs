//! What the engine in memory does when it is asked as an engine.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    FakeEngine, Outcome,
    state::{matches, refused},
};
use crate::{
    Command, ContainerFacts, ContainerSpec, Engine, EngineError, EngineFacts, ExecOutput, ImageFacts, Labels,
    NetworkFacts, NetworkSpec, NodeFile, Pull, Streams, VolumeFacts,
};

fn meet(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

#[async_trait]
impl Engine for FakeEngine {
    fn apart(self: Arc<Self>) -> Arc<dyn Engine> {
        self
    }

    async fn facts(&self) -> Result<EngineFacts, EngineError> {
        self.call("facts".to_owned()).await?;
        Ok(EngineFacts {
            product: "Docker".to_owned(),
            version: "20.10".to_owned(),
            api_version: "1.41".to_owned(),
            address: "fake".to_owned(),
            found_by: "a test".to_owned(),
            machine: None,
            cgroup_version: self.lock().cgroup_version.unwrap_or(1),
            storage_driver: "overlay2".to_owned(),
            root_dir: "/var/lib/docker".to_owned(),
            architecture: "amd64".to_owned(),
            processors: 2,
            memory: 1 << 34,
            userns_remapped: false,
            local: false,
            rootless: false,
            missing_limits: Vec::new(),
            time: "2026-01-01T12:00:00.123456789Z".to_owned(),
        })
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageFacts>, EngineError> {
        self.call(format!("image {reference}")).await?;
        let is_it = |image: &&ImageFacts| {
            image.id == reference || image.tags.iter().chain(&image.digests).any(|name| name == reference)
        };
        Ok(self.lock().images.iter().find(is_it).cloned())
    }

    async fn images(&self, labels: &Labels) -> Result<Vec<ImageFacts>, EngineError> {
        self.call("images".to_owned()).await?;
        Ok(self.lock().images.iter().filter(|image| matches(&image.labels, labels)).cloned().collect())
    }

    /// What a rule prints, separated by blanks; without one there are none.
    async fn manifests(&self, image: &ImageFacts) -> Result<Vec<String>, EngineError> {
        match self.call(format!("manifests {}", image.id)).await? {
            Some(Outcome::Print(text)) => Ok(text.split_whitespace().map(str::to_owned).collect()),
            _ => Ok(Vec::new()),
        }
    }

    async fn pull_image(&self, reference: &str, pull: Pull<'_>) -> Result<(), EngineError> {
        let login = pull.login.map(|login| format!(" as {}", login.server)).unwrap_or_default();
        self.call(format!("pull {reference}{login}")).await?;
        (pull.progress)(crate::Pulled { bytes: 1_000_000, of: 2_000_000 });
        self.add_image(reference, &[]);
        Ok(())
    }

    async fn import_image(&self, _: &Path, reference: &str, _: &[String]) -> Result<(), EngineError> {
        self.call(format!("import {reference}")).await?;
        self.add_image(reference, &[]);
        Ok(())
    }

    async fn load_image(&self, tar: &Path) -> Result<(), EngineError> {
        self.call(format!("load {}", tar.display())).await.map(drop)
    }

    async fn save_images(&self, references: &[String], tar: &Path) -> Result<(), EngineError> {
        self.call(format!("save {} to {}", references.join(" "), tar.display())).await.map(drop)
    }

    async fn tag_image(&self, reference: &str, name: &str) -> Result<(), EngineError> {
        self.call(format!("tag {reference} {name}")).await?;
        self.add_image(name, &[]);
        Ok(())
    }

    async fn commit(&self, container: &str, reference: &str, _: &[String]) -> Result<(), EngineError> {
        self.call(format!("commit {container} {reference}")).await?;
        self.add_image(reference, &[]);
        Ok(())
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        self.call(format!("remove image {reference}")).await?;
        self.lock().images.retain(|image| !image.tags.iter().any(|tag| tag == reference));
        Ok(())
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, EngineError> {
        let ranges = spec.subnets.iter().map(|range| format!(" {range}"));
        let parts = spec.own_parts.iter().map(|part| format!(" of which {part}"));
        self.call(format!("network {}{}", spec.name, ranges.chain(parts).collect::<String>())).await?;
        let mut state = self.lock();
        if state.unique_networks && state.networks.iter().any(|network| network.name == spec.name) {
            return Err(refused("create network", &spec.name, 409, "a network of that name exists"));
        }
        let overlap =
            |known: &NetworkFacts| known.subnets.iter().any(|one| spec.subnets.iter().any(|new| meet(one, new)));
        if state.networks.iter().any(overlap) {
            return Err(refused(
                "create network",
                &spec.name,
                403,
                "Pool overlaps with other one on this address space",
            ));
        }
        let id = state.identifier(&spec.name);
        // Where nobody asks for ranges, an engine takes one of its own.
        let chosen = || IpNet::new_assert([172, 30, u8::try_from(state.made % 256).unwrap_or(0), 0].into(), 24);
        let subnets = if spec.subnets.is_empty() { vec![chosen()] } else { spec.subnets.clone() };
        state.networks.push(NetworkFacts {
            id: id.clone(),
            name: spec.name.clone(),
            labels: spec.labels.clone(),
            created: String::new(),
            subnets,
            options: spec.options.clone(),
        });
        Ok(id)
    }

    async fn networks(&self, labels: &Labels) -> Result<Vec<NetworkFacts>, EngineError> {
        self.call("networks".to_owned()).await?;
        Ok(self.lock().networks.iter().filter(|network| matches(&network.labels, labels)).cloned().collect())
    }

    async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        let name = self.lock().networks.iter().find(|network| network.id == id).map(|network| network.name.clone());
        self.call(format!("remove network {}", name.as_deref().unwrap_or(id))).await?;
        let mut state = self.lock();
        let is_active = |container: &ContainerFacts| container.is_running() && container.is_in(id);
        if state.containers.iter().any(is_active) {
            return Err(refused("remove network", id, 403, "it has active endpoints"));
        }
        state.networks.retain(|network| network.id != id);
        Ok(())
    }

    async fn disconnect(&self, network: &str, container: &str) -> Result<(), EngineError> {
        self.call(format!("disconnect {}", self.named(container))).await?;
        let mut state = self.lock();
        let found = state.containers.iter_mut().filter(|found| found.id == container || found.name == container);
        found.for_each(|found| found.networks.retain(|one| one.id != network));
        Ok(())
    }

    async fn volumes(&self, labels: &Labels) -> Result<Vec<VolumeFacts>, EngineError> {
        self.call("volumes".to_owned()).await?;
        Ok(self.lock().volumes.iter().filter(|volume| matches(&volume.labels, labels)).cloned().collect())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.call(format!("remove volume {name}")).await?;
        let mut state = self.lock();
        if state.is_mounted(name) {
            return Err(refused("remove volume", name, 409, "volume is in use"));
        }
        state.volumes.retain(|volume| volume.name != name);
        Ok(())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        self.call(format!("create {}", spec.name)).await?;
        self.lock().make(spec, "created")
    }

    async fn run_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        self.call(format!("run {}", spec.name)).await?;
        self.lock().make(spec, "running")
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        self.call(format!("start {}", self.named(name))).await?;
        self.set_state(name, "running");
        Ok(())
    }

    async fn stop_container(&self, name: &str, _: i32) -> Result<(), EngineError> {
        self.call(format!("stop {}", self.named(name))).await?;
        self.set_state(name, "exited");
        Ok(())
    }

    async fn signal_container(&self, name: &str, signal: &str) -> Result<(), EngineError> {
        self.call(format!("signal {} {signal}", self.named(name))).await.map(drop)
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        self.call(format!("pause {}", self.named(name))).await.map(drop)
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        self.call(format!("unpause {}", self.named(name))).await.map(drop)
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        if self.call(format!("remove {}", self.named(name))).await? == Some(Outcome::Elsewhere) {
            return Ok(());
        }
        let mut state = self.lock();
        if let Some(found) = state.container(name).cloned() {
            state.containers.retain(|container| container.id != found.id);
            let alone: Vec<String> = found.volumes.into_iter().filter(|volume| !state.is_mounted(volume)).collect();
            state.volumes.retain(|volume| !alone.contains(&volume.name));
        }
        Ok(())
    }

    async fn container(&self, name: &str) -> Result<Option<ContainerFacts>, EngineError> {
        self.call(format!("container {}", self.named(name))).await?;
        Ok(self.lock().container(name).cloned())
    }

    async fn describe_container(&self, name: &str) -> Result<Option<String>, EngineError> {
        self.call(format!("describe {name}")).await?;
        Ok(self.lock().container(name).map(|found| format!("{found:?}")))
    }

    async fn describe(&self) -> Result<String, EngineError> {
        self.call("describe".to_owned()).await?;
        Ok("{}".to_owned())
    }

    async fn containers(&self, labels: &Labels) -> Result<Vec<ContainerFacts>, EngineError> {
        self.call("containers".to_owned()).await?;
        Ok(self.lock().containers.iter().filter(|container| matches(&container.labels, labels)).cloned().collect())
    }

    /// A number that a rule prints; without one the engine does not count.
    async fn memory(&self, name: &str) -> Result<Option<u64>, EngineError> {
        match self.call(format!("memory {}", self.named(name))).await? {
            Some(Outcome::Print(bytes)) => Ok(Some(bytes.parse().expect("the rule prints a number"))),
            _ => Ok(None),
        }
    }

    async fn logs(&self, name: &str, _: usize) -> Result<String, EngineError> {
        match self.call(format!("logs {}", self.named(name))).await? {
            Some(Outcome::Print(text)) => Ok(text),
            _ => Ok(String::new()),
        }
    }

    async fn exec(&self, container: &str, command: &Command) -> Result<ExecOutput, EngineError> {
        let name = self.named(container);
        // An identifier is one that this engine gave.
        if container.contains('#') && name == container {
            return Err(refused("exec", container, 404, "no such container"));
        }
        let outcome = self.call(format!("exec {name} {}", command.argv.join(" "))).await?;
        let mut output = ExecOutput { container: name, argv: command.argv.clone(), ..ExecOutput::default() };
        match outcome {
            Some(Outcome::Exit(code, stderr)) => (output.exit_code, output.stderr) = (code, stderr.into_bytes()),
            Some(Outcome::Print(stdout)) => output.stdout = stdout.into_bytes(),
            _ => {}
        }
        Ok(output)
    }

    async fn exec_with_file(&self, container: &str, command: &Command, _: &Path) -> Result<ExecOutput, EngineError> {
        self.exec(container, command).await
    }

    /// Reads all of standard input, which the call ends with, before it answers.
    async fn exec_streaming(
        &self,
        container: &str,
        command: &Command,
        streams: Streams<'_>,
    ) -> Result<i64, EngineError> {
        let mut read = String::new();
        if let Some(stdin) = streams.stdin {
            stdin.read_to_string(&mut read).await.expect("a test's input is text");
        }
        let text = format!("exec {container} {} < {read:?}", command.argv.join(" "));
        let (code, stdout, stderr) = match self.call(text).await? {
            Some(Outcome::Exit(code, stderr)) => (code, String::new(), stderr),
            Some(Outcome::Print(stdout)) => (0, stdout, String::new()),
            _ => (0, String::new(), String::new()),
        };
        streams.stdout.write_all(stdout.as_bytes()).await.expect("a test's output takes everything");
        streams.stderr.write_all(stderr.as_bytes()).await.expect("a test's output takes everything");
        Ok(code)
    }

    async fn write_files(&self, container: &str, files: &[NodeFile]) -> Result<(), EngineError> {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        self.call(format!("write {} {}", self.named(container), paths.join(" "))).await.map(drop)
    }

    async fn upload_tar(&self, container: &str, folder: &str, _: &Path) -> Result<(), EngineError> {
        self.call(format!("upload {container} {folder}")).await.map(drop)
    }

    async fn download_tar(&self, container: &str, path: &str, _: &Path) -> Result<(), EngineError> {
        self.call(format!("download {container} {path}")).await.map(drop)
    }
}
