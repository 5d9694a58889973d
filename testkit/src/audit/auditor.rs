//! One run's auditor. It only counts what belongs to the run's own state folder, so that other runs on the same engine at
//! the same time do not disturb it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use kind_engine::{ContainerFacts, Engine, EngineError, Labels};

use super::host;

/// The label with the name of the container that it is on: a copy that inherits it has another name.
const LABEL_CONTAINER: &str = "io.kind-rs.container";
/// The label with the state folder that a thing on the engine belongs to: `IDENTITY#PATH`.
const LABEL_STATE: &str = "io.kind-rs.state";

/// Watches one state folder and one folder for temporary files.
#[derive(Debug)]
pub struct Auditor {
    state: PathBuf,
    temporary: PathBuf,
    /// Names of things that have no label of their own and were seen with containers that have.
    seen: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    containers: BTreeSet<String>,
    ran: BTreeSet<String>,
    volumes: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl Auditor {
    /// An auditor of the runs that have this state folder, and this folder for their temporary files.
    pub fn new(state: &Path, temporary: &Path) -> Self {
        Self { state: state.to_owned(), temporary: temporary.to_owned(), seen: Seen::default() }
    }

    /// Takes down what cannot be recognised once its container is gone: call it again and again while things run.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn look(&mut self, engine: &dyn Engine) -> Result<(), EngineError> {
        let root = PathBuf::from(engine.facts().await?.root_dir);
        for container in self.containers(engine).await? {
            self.seen.layers.extend(host::layer(&root, &container.id));
            if container.is_running() {
                self.seen.ran.insert(container.id.clone());
            }
            self.seen.volumes.extend(container.volumes);
            self.seen.containers.insert(container.id);
        }
        Ok(())
    }

    /// How many containers were seen running so far. One that the engine could not start does not count: that is how it is
    /// found out which privileges there are.
    pub fn containers_seen(&self) -> usize {
        self.seen.ran.len()
    }

    /// Everything that is left, a line each. An empty state folder with its identity is nothing.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn left(&mut self, engine: &dyn Engine) -> Result<Vec<String>, EngineError> {
        self.look(engine).await?;
        let root = PathBuf::from(engine.facts().await?.root_dir);
        let mut left = self.on_engine(engine).await?;
        let layers = self.seen.layers.iter().filter(|name| root.join("overlay2").join(name).exists());
        left.extend(layers.map(|name| format!("layer {name}")));
        left.extend(self.on_host());
        Ok(left)
    }

    /// The containers of its runs, without what somebody started from an image of one.
    async fn containers(&self, engine: &dyn Engine) -> Result<Vec<ContainerFacts>, EngineError> {
        let mut containers = engine.containers(&marked()).await?;
        let is_copy = |one: &ContainerFacts| one.labels.get(LABEL_CONTAINER).is_some_and(|name| *name != one.name);
        containers.retain(|container| self.is_ours(&container.labels) && !is_copy(container));
        Ok(containers)
    }

    async fn on_engine(&self, engine: &dyn Engine) -> Result<Vec<String>, EngineError> {
        let containers = self.containers(engine).await?;
        let mut left: Vec<String> = containers.into_iter().map(|one| format!("container {}", one.name)).collect();
        // Those of an image carry no labels; they were seen with their containers.
        for volume in engine.volumes(&Labels::new()).await? {
            if self.is_ours(&volume.labels) || self.seen.volumes.contains(&volume.name) {
                left.push(format!("volume {}", volume.name));
            }
        }
        for network in engine.networks(&marked()).await? {
            if self.is_ours(&network.labels) {
                left.push(format!("network {}", network.name));
            }
        }
        for image in engine.images(&marked()).await? {
            if self.is_ours(&image.labels) {
                left.push(format!("image {} {}", image.id, image.tags.join(" ")));
            }
        }
        Ok(left)
    }

    /// Mounts, processes and files.
    fn on_host(&self) -> Vec<String> {
        let mut marks: Vec<&str> =
            [&self.state, &self.temporary].into_iter().filter_map(|path| path.to_str()).collect();
        let in_containers = self.seen.containers.iter().chain(&self.seen.layers);
        marks.extend(in_containers.map(String::as_str));
        let mut left: Vec<String> = host::mounts(&marks).into_iter().map(|at| format!("mount {at}")).collect();
        left.extend(host::processes(&self.state, &marks));
        let mut files = below(&self.state);
        // Who the folder is, where clusters and templates have theirs, and the places of those that come up.
        let stays = ["identity", "clusters", "templates"].map(|name| self.state.join(name));
        files.retain(|path| !stays.contains(path) && !path.starts_with(self.state.join("gate")));
        files.extend(below(&self.temporary));
        left.extend(files.into_iter().map(|path| format!("file {}", path.display())));
        left
    }

    fn is_ours(&self, labels: &Labels) -> bool {
        let folder = labels.get(LABEL_STATE).and_then(|value| value.split_once('#'));
        folder.is_some_and(|(_, path)| Path::new(path) == self.state)
    }
}

fn marked() -> Labels {
    Labels::from([(LABEL_STATE.to_owned(), String::new())])
}

/// Everything below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // What goes while it is looked at is gone.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(below(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}
