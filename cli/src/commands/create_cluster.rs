//! `kind-rs create cluster`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use kind_core::{
    cluster::ClusterRecord,
    config_file,
    image::Images,
    inventory,
    kubeconfig::{KubeconfigFiles, Reach, export, leads_from_here},
    provision::{Blueprint, Creation, Deadline, Origin, StepError, provision},
    snapshot,
    spec::{ClusterName, ClusterSpec},
};
use kind_engine::{Engine, Labels};
use kind_images::{Release, base_image_reference, node_image_reference};

use super::{dry_run, power::until_well};
use crate::{
    args::{CreateCluster, given, given_ref},
    console::Steps,
    failure::Failure,
    session::Session,
    signals::{Signal, Signals},
};

/// How long a cluster that is there already may take to answer, where `--wait` does not say more.
const MOMENT: Duration = Duration::from_secs(10);
/// How long ago a kubelet's last sign of life may be: it gives one every 10 s.
const FRESH: Duration = Duration::from_secs(60);
/// Steps before those of the harness.
const NODE_IMAGE: &str = "find the node image";
const LOAD_BALANCER_IMAGE: &str = "find the load balancer's image";

pub(crate) async fn run(session: &Session<'_>, args: CreateCluster) -> Result<(), Failure> {
    let start = Instant::now();
    let from = given_ref(args.from_snapshot.as_ref());
    let spec = specification(&args)?;
    let flag = args.word.clone().or(given(args.name.clone()));
    let name = session.cluster_name(flag, spec.name.clone())?;
    if args.dry_run {
        name.fits(&spec)?;
        return dry_run::print(args.output, &name, &spec);
    }
    let kubeconfig = session.kubeconfig(&args.kubeconfig)?;
    // Better to hear of an unusable kubeconfig before the work than after it.
    kubeconfig.check()?;
    let logs = session.settings.state_dir()?.join("logs");
    let engine = session.engine().await?;
    if args.ignore_existing && !inventory::containers(&*engine, &name).await?.is_empty() {
        return be_content(session, &engine, &name, &args, &kubeconfig).await;
    }
    refuse_taken(&*engine, &name).await?;
    let origin = match from {
        Some(snapshot) => Some(snapshot::origin(&engine, &snapshot::find(&*engine, snapshot).await?).await?),
        None => None,
    };
    let spec = origin.as_ref().map_or(spec, |origin| origin.spec().clone());
    name.fits(&spec)?;
    let creation = Creation::new();
    let blueprint = Blueprint {
        name: name.clone(),
        creation: creation.clone(),
        spec,
        image: String::new(),
        origin,
        load_balancer_image: given_ref(args.load_balancer_image.as_ref()).cloned(),
        labels: Labels::new(),
        retain: args.retain,
        deadline: args.timeout.map(Deadline::after),
        wait: Some(args.wait).filter(|limit| !limit.is_zero()),
        pools: session.settings.pools.clone(),
        proxy: session.settings.proxy(&session.settings.engine.address()?),
        logs,
    };
    session.console.note(&format!("creating cluster {name}"));
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let steps = session.console.steps();
    let docker_client = session.settings.docker_client.folder();
    let made = tokio::select! {
        made = make(Arc::clone(&engine), blueprint, docker_client, &steps) => made?,
        signal = signals.next() => {
            drop(steps);
            let outcome = if args.retain {
                format!("what was made stays, as asked; `kind-rs delete cluster --name {name}` removes it")
            } else {
                undo(session, &*engine, &name, &creation, signal, &mut signals).await
            };
            return Err(Failure::Interrupted { name, signal, outcome });
        }
    };
    drop(steps);
    finish(session, &made, &kubeconfig, args.no_switch, start)
}

/// Rolls back, unless a second signal stops that as well, and says how it ended.
async fn undo(
    session: &Session<'_>,
    engine: &dyn Engine,
    name: &ClusterName,
    creation: &Creation,
    signal: Signal,
    signals: &mut Signals,
) -> String {
    session
        .console
        .note(&format!("{signal}: removing what was made of cluster {name}; a second signal stops that, too"));
    let undone = tokio::select! {
        undone = creation.undo(engine, name) => undone.map_err(Some),
        _ = signals.next() => Err(None),
    };
    let Err(error) = undone else { return "what had been made is removed".to_owned() };
    if let Some(error) = error {
        session.console.failure(&Failure::Destroy(error));
    }
    format!("not everything was removed; `kind-rs delete cluster --name {name}` does it")
}

/// What is asked for; without a configuration one control plane, as kind does it.
fn specification(args: &CreateCluster) -> Result<ClusterSpec, Failure> {
    let spec = match given_ref(args.config.as_ref()).map(PathBuf::as_path) {
        None => ClusterSpec::single_node(),
        Some(path) if path == Path::new("-") => {
            config_file::load_stream(std::io::stdin(), Path::new("standard input"))?
        }
        Some(path) => config_file::load(path)?,
    };
    Ok(match given_ref(args.image.as_ref()) {
        Some(image) => spec.image(image),
        None => spec,
    })
}

/// Whether the cluster that is there will do: its containers run, its API answers, its nodes are Ready, within `--wait` or
/// a moment. Its kubeconfig is merged as after a creation.
async fn be_content(
    session: &Session<'_>,
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    args: &CreateCluster,
    kubeconfig: &KubeconfigFiles,
) -> Result<(), Failure> {
    let limit = args.wait.max(MOMENT);
    let well = until_well(session, engine, name, FRESH, limit).await;
    well.map_err(|failure| match failure {
        Failure::Power(source) => Failure::NotWell { name: name.clone(), source: Box::new(source) },
        other => other,
    })?;
    let exported = export(&**engine, name, Reach::Host).await?;
    let merged = session.merge(kubeconfig, &exported, name, args.no_switch);
    let merged = merged.map_err(|source| Failure::NotMerged { name: name.clone(), source })?;
    session.console.note(&format!("cluster {name} is there already\n{merged}"));
    if !leads_from_here(&exported).await {
        session.tell_out_of_reach(name);
    }
    Ok(())
}

/// Before images are looked for, which may take a while.
async fn refuse_taken(engine: &dyn Engine, name: &ClusterName) -> Result<(), Failure> {
    let there = inventory::containers(engine, name).await?;
    if there.is_empty() {
        return Ok(());
    }
    let containers = there.into_iter().map(|container| container.name).collect::<Vec<_>>().join(", ");
    Err(Failure::Taken(StepError::NameTaken { name: name.to_string(), containers }))
}

async fn make(
    engine: Arc<dyn Engine>,
    mut blueprint: Blueprint,
    docker_client: Option<&Path>,
    steps: &Steps<'_>,
) -> Result<ClusterRecord, Failure> {
    let release = Release::newest();
    let (spec, built, base) = (blueprint.spec.clone(), node_image_reference(release), base_image_reference(release));
    let waiting = |status: String| steps.pulling(NODE_IMAGE, &status);
    let images = Images { engine: &*engine, docker_client, progress: &waiting };
    // A clone's nodes have theirs.
    let of_clone = blueprint.origin.as_ref().and_then(Origin::first_image).cloned();
    let resolved = async {
        match of_clone {
            Some(image) => Ok(image),
            None => Ok(images.nodes(&spec, None, &built).await?),
        }
    };
    blueprint.image = find(&blueprint, steps, NODE_IMAGE, resolved).await?;
    let (wanted, image) = (blueprint.load_balancer_image.clone(), blueprint.image.clone());
    let waiting = |status: String| steps.pulling(LOAD_BALANCER_IMAGE, &status);
    let images = Images { progress: &waiting, ..images };
    let resolved = async { Ok(images.load_balancer(&spec, &image, wanted.as_deref(), &base).await?) };
    blueprint.load_balancer_image = find(&blueprint, steps, LOAD_BALANCER_IMAGE, resolved).await?;
    let made = provision(engine, &blueprint, steps).await;
    made.map_err(|source| Failure::Create { name: blueprint.name, source: Box::new(source) })
}

/// A step before those of the harness, within the limit of the whole.
async fn find<T>(
    blueprint: &Blueprint,
    steps: &Steps<'_>,
    step: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let bounded = async {
        let Some(deadline) = blueprint.deadline else { return work.await };
        let expired = |source| Failure::OutOfTime { name: blueprint.name.clone(), step, source };
        deadline.bound(work).await.map_err(expired)?
    };
    steps.during(step, bounded).await
}

fn finish(
    session: &Session<'_>,
    made: &ClusterRecord,
    kubeconfig: &KubeconfigFiles,
    no_switch: bool,
    start: Instant,
) -> Result<(), Failure> {
    let name = &made.name;
    let merged = session.merge(kubeconfig, &made.kubeconfig, name, no_switch);
    let merged = merged.map_err(|source| Failure::NotMerged { name: name.clone(), source })?;
    let (count, version, seconds) = (made.nodes.len(), &made.kubernetes_version, start.elapsed().as_secs_f64());
    let nodes = if count == 1 { "node" } else { "nodes" };
    session
        .console
        .note(&format!("cluster {name} is up: Kubernetes {version}, {count} {nodes}, {seconds:.1} s\n{merged}"));
    if made.reached_from.is_none() {
        session.tell_out_of_reach(name);
    }
    if let Some(port) = made.registry {
        session.console.note(&format!("push images to localhost:{port}/NAME; pods use the same names"));
    }
    Ok(())
}
