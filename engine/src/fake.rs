//! An engine that keeps containers and networks in memory and does as a test tells it: for tests of step order,
//! failures and cleaning up. It runs nothing.

use std::{sync::Mutex, time::Duration};

use self::state::State;
use crate::{ContainerFacts, ContainerSpec, EngineError, ImageFacts};

mod engine;
mod state;

/// What happens instead of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The engine refuses with this message.
    Refuse(String),
    /// The command ends with this exit code and prints this to standard error.
    Exit(i64, String),
    /// The command prints this to standard output.
    Print(String),
    /// There is never an answer.
    Hang,
    /// It is done, but only so much later.
    After(Duration),
    /// A removal that another request is doing, which counts as done.
    Elsewhere,
}

/// An engine in memory.
#[derive(Debug, Default)]
pub struct FakeEngine {
    state: Mutex<State>,
}

impl FakeEngine {
    /// Has an image of that name and these labels.
    ///
    /// # Panics
    /// Never in a test that does not panic elsewhere.
    pub fn add_image(&self, reference: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.lock().images.push(ImageFacts {
            id: format!("sha256:{reference}"),
            tags: vec![reference.to_owned()],
            digests: Vec::new(),
            labels,
            size: 0,
            architecture: "amd64".to_owned(),
            stop_signal: Some("SIGRTMIN+3".to_owned()),
            command: vec!["/usr/local/bin/entrypoint".to_owned(), "/sbin/init".to_owned()],
        });
    }

    /// Makes something else of an image that was added.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn change_image(&self, reference: &str, change: impl FnOnce(&mut ImageFacts)) {
        let mut state = self.lock();
        let image = state.images.iter_mut().find(|image| image.tags.iter().any(|tag| tag == reference));
        change(image.expect("the test adds it first"));
    }

    /// Says which control groups the engine's host has; the first version otherwise.
    ///
    /// # Panics
    /// Never in a test that does not panic elsewhere.
    pub fn set_cgroup_version(&self, version: u8) {
        self.lock().cgroup_version = Some(version);
    }

    /// From now on, every request whose text (`exec NODE ARGV…`, `run NAME`, `remove NAME`, …) contains `part` has this
    /// outcome. Later rules win.
    pub fn when(&self, part: &str, outcome: Outcome) {
        self.lock().rules.push((part.to_owned(), outcome));
    }

    /// From now on, no two networks have one name, as with engines since 25.
    pub fn keep_network_names_unique(&self) {
        self.lock().unique_networks = true;
    }

    /// Says when a network or volume was created, as RFC 3339; nothing is said of it otherwise.
    pub fn date(&self, name: &str, created: &str) {
        let mut state = self.lock();
        let networks = state.networks.iter_mut().filter(|network| network.name == name);
        networks.for_each(|network| created.clone_into(&mut network.created));
        let volumes = state.volumes.iter_mut().filter(|volume| volume.name == name);
        volumes.for_each(|volume| created.clone_into(&mut volume.created));
    }

    /// Every request so far, as text, in order.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// What the container of that name was made of last.
    ///
    /// # Panics
    /// When there never was one.
    pub fn made_of(&self, name: &str) -> ContainerSpec {
        let state = self.lock();
        let made = state.specs.iter().rev().find(|spec| spec.name == name);
        made.expect("somebody made it").clone()
    }

    /// The names of everything that is left: containers, then networks, then volumes.
    pub fn left(&self) -> Vec<String> {
        let state = self.lock();
        let containers = state.containers.iter().map(|container| container.name.clone());
        let networks = state.networks.iter().map(|network| network.name.clone());
        containers.chain(networks).chain(state.volumes.iter().map(|volume| volume.name.clone())).collect()
    }

    /// Forgets a container without its volumes, as `docker rm --force` does.
    pub fn lose(&self, name: &str) {
        self.lock().containers.retain(|container| container.name != name);
    }

    /// Mounts the volumes of one container into another, too, as `docker run --volumes-from` does.
    pub fn share_volumes(&self, of: &str, with: &str) {
        let mut state = self.lock();
        let volumes = state.container(of).map(|found| found.volumes.clone()).unwrap_or_default();
        let guests = state.containers.iter_mut().filter(|container| container.name == with);
        guests.for_each(|guest| guest.volumes.extend(volumes.iter().cloned()));
    }

    /// The names of the containers in the network of that name.
    pub fn attached(&self, network: &str) -> Vec<String> {
        let state = self.lock();
        let is_in = |container: &&ContainerFacts| container.networks.iter().any(|one| one.name == network);
        state.containers.iter().filter(is_in).map(|container| container.name.clone()).collect()
    }

    fn named(&self, container: &str) -> String {
        self.lock().name_of(container).to_owned()
    }

    fn set_state(&self, name: &str, state: &str) {
        let mut all = self.lock();
        let containers = all.containers.iter_mut().filter(|container| container.name == name);
        containers.for_each(|container| state.clone_into(&mut container.state));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Notes the request and follows its rule.
    async fn call(&self, text: String) -> Result<Option<Outcome>, EngineError> {
        let outcome = {
            let mut state = self.lock();
            let outcome = state.rules.iter().rev().find(|(part, _)| text.contains(part)).map(|(_, does)| does.clone());
            state.calls.push(text.clone());
            outcome
        };
        match outcome {
            Some(Outcome::Refuse(message)) => {
                Err(EngineError::Refused { action: "fake", object: text, status: 500, message })
            }
            Some(Outcome::Hang) => std::future::pending().await,
            Some(Outcome::After(delay)) => {
                let _ = tokio::time::timeout(delay, std::future::pending::<()>()).await;
                Ok(None)
            }
            other => Ok(other),
        }
    }
}
