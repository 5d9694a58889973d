//! What a keeper is told: everything it needs to make, watch and remove one cluster, in a file.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kind_core::{
    process::ProcessId,
    scope::Scope,
    settings::Settings,
    spec::{ClusterSpec, Instance, NetworkPools, Proxy, Shape},
};
use kind_engine::EngineAddress;
use kind_report::{Ordered, ShapeFacts, run_folder};
use serde::{Deserialize, Serialize};

use super::key::Key;

/// The content of a state folder's `order.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The cluster's key.
    pub(crate) key: Key,
    /// Its shape.
    pub(crate) shape: Shape,
    /// The snapshot that it is to be a clone of: which making of which.
    #[serde(default)]
    pub(crate) snapshot: Option<Instance>,
    /// The node image that was asked for.
    pub(crate) image: Option<String>,
    /// The load balancer's image that was asked for.
    #[serde(default)]
    pub(crate) load_balancer_image: Option<String>,
    /// The node image of our own, for when none was.
    pub(crate) built: String,
    /// Who shares it, in words.
    pub(crate) scope: String,
    /// The process whose end ends it; `None` where disuse does.
    pub(crate) owner: Option<ProcessId>,
    /// After how long without use it goes, where it outlives its run.
    pub(crate) idle: Duration,
    /// After how long without use it is paused; `None` for never.
    #[serde(default)]
    pub(crate) pause: Option<Duration>,
    /// The engine. What a Docker context says may change while the cluster is there; where the cluster is does not.
    pub(crate) engine: EngineAddress,
    /// Where the range of its network comes from.
    #[serde(default)]
    pub(crate) pools: NetworkPools,
    /// The folder of the Docker client's configuration, which has the credentials for registries.
    #[serde(default)]
    pub(crate) docker_client: Option<PathBuf>,
    /// The proxies that its nodes are told of.
    #[serde(default)]
    pub(crate) proxy: Proxy,
    /// Where the logs of a failed bring-up go.
    pub(crate) logs: PathBuf,
    /// Where the run's records are that it was made for; what happens to the cluster is noted there.
    pub(crate) records: Option<PathBuf>,
}

impl Order {
    /// The order for a cluster of this shape that this scope shares. `home` is the state folder's identity.
    pub(crate) fn of(settings: &Settings, spec: &ClusterSpec, home: &str, scope: Scope, engine: EngineAddress) -> Self {
        let shape = Shape::of(spec);
        let built = kind_images::node_image_reference(kind_images::Release::newest());
        let image = settings.image.as_deref().unwrap_or(&built);
        let proxy = settings.proxy(&engine);
        let images = (image, settings.load_balancer_image.as_deref());
        let key = Key::of(&shape, images, &engine.host, &proxy, &scope, home);
        Self {
            logs: settings.artifacts.clone(),
            records: Some(run_folder(settings)),
            key,
            shape,
            snapshot: None,
            image: settings.image.clone(),
            load_balancer_image: settings.load_balancer_image.clone(),
            built,
            scope: scope.name,
            owner: scope.owner,
            idle: settings.idle,
            pause: settings.pause,
            engine,
            pools: settings.pools.clone(),
            docker_client: settings.docker_client.folder().map(Path::to_owned),
            proxy,
        }
    }

    /// What a run's records tell of it.
    pub(crate) fn facts(&self) -> Ordered {
        Ordered {
            cluster: self.key.cluster().to_string(),
            shape: ShapeFacts::of(&self.shape.clone().into_spec()),
            image: self.image.as_ref().unwrap_or(&self.built).clone(),
            scope: self.scope.clone(),
            idle: self.owner.is_none().then_some(self.idle.as_secs()),
            keeper: ProcessId::current(),
        }
    }
}
