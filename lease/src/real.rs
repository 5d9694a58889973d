//! Bring-up and removal on the engine, as the keeper wants them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Namespace;
use kind_core::{
    cluster::{ClusterRecord, client_of, is_connected},
    image::{ImageError, Images},
    inventory, power,
    process::host,
    provision::{self, Blueprint, Creation, Event, Origin, Progress, ProvisionError, StepError},
    snapshot::{self, SnapshotError},
    spec::{ClusterName, LABEL_MANAGED, LABEL_OWNER, LABEL_SCOPE, LABEL_STATE, is_node},
    warnings::warn,
};
use kind_engine::{ContainerFacts, DockerEngine, Engine, EngineAddress, EngineError, Labels};
use kube::{Api, api::DeleteParams};
use tokio::sync::OnceCell;

use super::{
    error::{chain, no_engine},
    folder::Home,
    gate,
    key::Key,
    mend::{mend, resume},
    order::Order,
    provisioner::{CreateError, Provisioner},
    runs::Runs,
};

/// The steps before those of `provision`.
const TURN: &str = "wait for a turn";
const IMAGE: &str = "find the node image";
/// How long nodes, DNS and storage may take to be ready, and how much longer for each node.
const READY: Duration = Duration::from_secs(240);
const READY_PER_NODE: Duration = Duration::from_secs(3);
/// How long the API may take to be asked for the end of a namespace.
const NAMESPACE: Duration = Duration::from_secs(10);

/// Makes and removes clusters with `provision`.
pub(super) struct RealProvisioner {
    /// Where the engine is; `None` where it is connected from the beginning.
    address: Option<EngineAddress>,
    home: Home,
    /// The labels of everything that it makes.
    pub(super) labels: Labels,
    engine: OnceCell<Arc<dyn Engine>>,
    /// The last bring-up, which may have been dropped before the engine had answered it.
    creation: Mutex<Option<Creation>>,
    /// Whether its clusters have a pod network, without which neither nodes nor pods are Ready.
    has_network: bool,
}

/// What the nodes are made from cannot be had.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl RealProvisioner {
    /// On the engine at that address.
    pub(super) fn new(home: &Home, address: Option<EngineAddress>) -> Self {
        let owner = format!("{}@{}", nix::unistd::getuid(), host());
        let labels = [(LABEL_MANAGED, "1".to_owned()), (LABEL_OWNER, owner), (LABEL_STATE, home.identity())];
        Self {
            address,
            home: home.clone(),
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
            engine: OnceCell::new(),
            creation: Mutex::default(),
            has_network: true,
        }
    }

    /// For the cluster of an order.
    pub(super) fn of(home: &Home, order: &Order) -> Self {
        Self { has_network: order.shape.has_network(), ..Self::new(home, Some(order.engine.clone())) }
    }

    /// On an engine that is connected.
    pub(super) fn on(home: &Home, engine: Arc<dyn Engine>) -> Self {
        Self { engine: OnceCell::new_with(Some(engine)), ..Self::new(home, None) }
    }

    /// What everything of this state folder carries, whatever the machine was called and whoever the user was then.
    fn identity(&self) -> Labels {
        let identifies = |(label, _): &(&String, &String)| [LABEL_MANAGED, LABEL_STATE].contains(&label.as_str());
        let ours = self.labels.iter().filter(identifies);
        ours.map(|(label, value)| (label.clone(), value.clone())).collect()
    }

    /// What everything of one of its clusters carries. Its name alone would do for a cluster that is another's.
    fn of_cluster(&self, name: &ClusterName) -> Labels {
        let mut labels = self.identity();
        // Another name is no key of ours, and nothing has it as its scope.
        let key = name.as_str().strip_prefix(Key::PREFIX).unwrap_or(name.as_str());
        labels.insert(LABEL_SCOPE.to_owned(), key.to_owned());
        labels
    }

    /// The engine, connected when it is first needed and again after it was not there.
    async fn engine(&self) -> Result<&Arc<dyn Engine>, EngineError> {
        let connect = async || {
            let address = self.address.as_ref().expect("without an address it is connected from the beginning");
            let engine = DockerEngine::connect(address).await?;
            Ok::<Arc<dyn Engine>, EngineError>(Arc::new(engine))
        };
        self.engine.get_or_try_init(connect).await
    }
}

#[async_trait(?Send)]
impl Provisioner for RealProvisioner {
    async fn create(&self, order: &Order, progress: &dyn Progress) -> Result<ClusterRecord, CreateError> {
        let of_engine = |error: EngineError| CreateError { no_engine: no_engine(&error), error: chain(&error) };
        let engine = Arc::clone(self.engine().await.map_err(of_engine)?);
        let processors = engine.facts().await.map_err(of_engine)?.processors;
        let start = Instant::now();
        progress.event(Event::Started { step: TURN });
        let told = |status: String| progress.event(Event::Waiting { step: TURN, status });
        let turn = gate::enter(&self.home, processors, told).await;
        let of_gate =
            |source: std::io::Error| CreateError { error: format!("wait for a turn: {source}"), no_engine: None };
        let _turn = turn.map_err(of_gate)?;
        progress.event(Event::Finished { step: TURN, elapsed: start.elapsed() });
        let start = Instant::now();
        progress.event(Event::Started { step: IMAGE });
        let images = async {
            let origin = match &order.snapshot {
                Some(id) => {
                    let found = snapshot::find_making(&*engine, id).await?;
                    Some(snapshot::origin(&engine, &found).await?)
                }
                None => None,
            };
            let spec = origin.as_ref().map_or_else(|| order.shape.clone().into_spec(), |origin| origin.spec().clone());
            let waiting = |status: String| progress.event(Event::Waiting { step: IMAGE, status });
            let docker_client = order.docker_client.as_deref();
            let images = Images { engine: &*engine, docker_client, progress: &waiting };
            // A clone's nodes have theirs.
            let image = match origin.as_ref().and_then(Origin::first_image) {
                Some(image) => image.clone(),
                None => images.nodes(&spec, order.image.as_deref(), &order.built).await?,
            };
            let base = kind_images::base_image_reference(kind_images::Release::newest());
            let balancer = images.load_balancer(&spec, &image, order.load_balancer_image.as_deref(), &base).await?;
            Ok::<_, SourceError>((spec, origin, image, balancer))
        };
        let images = images.await;
        let elapsed = start.elapsed();
        progress.event(if images.is_ok() {
            Event::Finished { step: IMAGE, elapsed }
        } else {
            Event::Failed { step: IMAGE, elapsed }
        });
        let (spec, origin, image, load_balancer_image) = images.map_err(|error| match error {
            SourceError::Image(ImageError::Engine(error)) | SourceError::Snapshot(SnapshotError::Engine(error)) => {
                of_engine(error)
            }
            other => CreateError { error: chain(&other), no_engine: None },
        })?;
        let mut labels = self.labels.clone();
        labels.insert(LABEL_SCOPE.to_owned(), order.key.to_string());
        let nodes = u32::try_from(spec.nodes.len()).unwrap_or(u32::MAX);
        let creation = Creation::new();
        *self.creation.lock().unwrap_or_else(PoisonError::into_inner) = Some(creation.clone());
        let blueprint = Blueprint {
            name: order.key.cluster(),
            creation,
            spec,
            image,
            origin,
            load_balancer_image,
            labels,
            retain: false,
            deadline: None,
            wait: Some(READY.saturating_add(READY_PER_NODE.saturating_mul(nodes))),
            pools: order.pools.clone(),
            proxy: order.proxy.clone(),
            logs: order.logs.clone(),
        };
        let made = provision::provision(engine, &blueprint, progress).await;
        made.map_err(|error: ProvisionError| {
            let no_engine = match &error.source {
                StepError::Engine(error) => no_engine(error),
                _ => None,
            };
            CreateError { error: chain(&error), no_engine }
        })
    }

    async fn destroy(&self, name: &ClusterName) -> Result<usize, String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        let creation = self.creation.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(creation) = creation {
            creation.settle(name).await.map_err(|error| chain(&error))?;
        }
        let removed = provision::destroy(&**engine, name, &self.of_cluster(name)).await;
        let removed = removed.map_err(|error| chain(&error))?;
        for guest in removed.disconnected {
            warn(format_args!("disconnected container {guest}: the network went with cluster {name}"));
        }
        for kept in removed.kept {
            warn(format_args!("volume {kept} stays: that container uses it, and not cluster {name}"));
        }
        Ok(removed.names.len())
    }

    async fn mend(&self, record: &ClusterRecord) -> Result<(), String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        mend(engine, record, self.has_network).await.map_err(|error| chain(&error))
    }

    async fn pause(&self, record: &ClusterRecord) -> Result<(), String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        power::pause(&**engine, &record.name).await.map(drop).map_err(|error| chain(&error))
    }

    async fn resume(&self, record: &ClusterRecord) -> Result<(), String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        resume(engine, record, self.has_network).await.map_err(|error| chain(&error))
    }

    fn is_connected(&self, record: &ClusterRecord) -> bool {
        is_connected(record)
    }

    async fn delete_namespace(&self, record: &ClusterRecord, namespace: &str) -> Result<(), String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        let client = client_of(record, engine).await.map_err(|error| chain(&error))?;
        let namespaces: Api<Namespace> = Api::all(client);
        match tokio::time::timeout(NAMESPACE, namespaces.delete(namespace, &DeleteParams::background())).await {
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(()),
            Ok(deleted) => deleted.map(|_| ()).map_err(|error| chain(&error)),
            Err(_) => Err("the API does not answer".to_owned()),
        }
    }

    async fn runs(&self, name: &ClusterName) -> Result<Runs, String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        let containers = inventory::members(&**engine, &self.of_cluster(name)).await.map_err(|error| chain(&error))?;
        let mut running = Vec::new();
        for container in containers.iter().filter(|container| container.is_running() && is_node(&container.labels)) {
            // Only a closer look tells since when.
            let facts = engine.container(&container.id).await.map_err(|error| chain(&error))?;
            running.extend(facts.filter(ContainerFacts::is_running).map(|facts| (facts.name, facts.started)));
        }
        Ok(running.into_iter().collect())
    }

    async fn made_here(&self) -> Result<Vec<Key>, String> {
        let engine = self.engine().await.map_err(|error| chain(&error))?;
        let ours = self.identity();
        let containers = inventory::members(&**engine, &ours).await.map_err(|error| chain(&error))?;
        let networks = engine.networks(&ours).await.map_err(|error| chain(&error))?;
        let volumes = engine.volumes(&ours).await.map_err(|error| chain(&error))?;
        let labels = containers.into_iter().map(|found| found.labels);
        let labels = labels.chain(networks.into_iter().map(|network| network.labels));
        let labels = labels.chain(volumes.into_iter().map(|volume| volume.labels));
        Ok(labels.filter_map(|labels| Key::parse(labels.get(LABEL_SCOPE)?)).collect())
    }
}
