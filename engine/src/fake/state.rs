//! What the engine in memory has, and how it finds it.

use super::Outcome;
use crate::{
    Attachment, ContainerFacts, ContainerSpec, EngineError, ImageFacts, Labels, MountKind, NetworkFacts, VolumeFacts,
    error::CREATE_CONTAINER,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) calls: Vec<String>,
    pub(super) rules: Vec<(String, Outcome)>,
    pub(super) containers: Vec<ContainerFacts>,
    /// What containers were made of.
    pub(super) specs: Vec<ContainerSpec>,
    pub(super) networks: Vec<NetworkFacts>,
    pub(super) volumes: Vec<VolumeFacts>,
    pub(super) images: Vec<ImageFacts>,
    pub(super) cgroup_version: Option<u8>,
    /// How many containers and networks there ever were.
    pub(super) made: usize,
    pub(super) unique_networks: bool,
}

impl State {
    /// An identifier that nothing else has or had.
    pub(super) fn identifier(&mut self, name: &str) -> String {
        self.made += 1;
        format!("{name}#{}", self.made)
    }

    /// The container of that identifier or name.
    pub(super) fn container(&self, name: &str) -> Option<&ContainerFacts> {
        self.containers.iter().find(|container| container.id == name || container.name == name)
    }

    /// Whether a container has that volume.
    pub(super) fn is_mounted(&self, volume: &str) -> bool {
        self.containers.iter().any(|container| container.volumes.iter().any(|has| has == volume))
    }

    /// Its name for a request's text, whichever of both it was asked by.
    pub(super) fn name_of<'a>(&'a self, container: &'a str) -> &'a str {
        self.container(container).map_or(container, |found| found.name.as_str())
    }

    /// Makes a container that is in that state.
    pub(super) fn make(&mut self, spec: &ContainerSpec, state: &str) -> Result<String, EngineError> {
        if self.containers.iter().any(|container| container.name == spec.name) {
            return Err(refused(CREATE_CONTAINER, &spec.name, 409, "the container name is already in use"));
        }
        self.specs.push(spec.clone());
        let mut networks = Vec::new();
        if !spec.network.is_empty() {
            let NetworkFacts { id, name, .. } = self.network(&spec.network)?.clone();
            networks.push(Attachment { name, id });
        }
        let ports = spec
            .ports
            .iter()
            .filter_map(|port| Some((port.container_port, port.listen_address.to_string(), port.host_port?)));
        let id = self.identifier(&spec.name);
        let anonymous = spec.mounts.iter().filter(|mount| mount.kind == MountKind::AnonymousVolume);
        let volume = |target: &str| {
            let name = format!("{}:{target}", spec.name);
            let is_taken = self.volumes.iter().any(|volume| volume.name == name);
            if is_taken { format!("{id}:{target}") } else { name }
        };
        let volumes: Vec<String> = anonymous.map(|mount| volume(&mount.target)).collect();
        self.volumes.extend(volumes.iter().map(|name| VolumeFacts {
            name: name.clone(),
            labels: spec.labels.clone(),
            created: String::new(),
        }));
        self.containers.push(ContainerFacts {
            id: id.clone(),
            name: spec.name.clone(),
            image: spec.image.clone(),
            labels: spec.labels.clone(),
            state: state.to_owned(),
            ports: ports.collect(),
            networks,
            volumes,
            ..ContainerFacts::default()
        });
        Ok(id)
    }

    /// The network that a container asks for by its identifier or its name. Engines before 25 go by its name in the end,
    /// however it was asked for, and fail where two have one.
    pub(super) fn network(&self, wanted: &str) -> Result<&NetworkFacts, EngineError> {
        let mut asked = self.networks.iter().filter(|network| network.id == wanted || network.name == wanted);
        let Some(found) = asked.next() else {
            return Err(refused("start container", wanted, 404, "network not found"));
        };
        if self.networks.iter().filter(|network| network.name == found.name).count() > 1 {
            return Err(refused("start container", wanted, 400, "network is ambiguous (2 matches found on name)"));
        }
        Ok(found)
    }
}

/// The engine's refusal.
pub(super) fn refused(action: &'static str, object: &str, status: u16, message: &str) -> EngineError {
    EngineError::Refused { action, object: object.to_owned(), status, message: message.to_owned() }
}

/// Whether something with these labels passes the filter.
pub(super) fn matches(labels: &Labels, filter: &Labels) -> bool {
    filter.iter().all(|(key, value)| labels.get(key).is_some_and(|has| value.is_empty() || has == value))
}
