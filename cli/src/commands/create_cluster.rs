//! `kind-rs create cluster`.

use std::{
    path::Path,
    process,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use kind_engine::{Engine, Labels};
use kind_harness::{
    ClusterName, ClusterRecord, ClusterSpec, config_file,
    image::resolve,
    inventory,
    kubeconfig::KubeconfigFiles,
    provision::{Blueprint, StepError, destroy, provision},
    settings::Settings,
    spec::cluster_labels,
};
use kind_images::{Release, node_image_reference};

use crate::{
    args::CreateCluster,
    console::Steps,
    failure::Failure,
    session::{Session, shown},
    signals::Signals,
};

/// Tells the containers of this run from those of another that makes a cluster of the same name at the same time.
const LABEL_CREATION: &str = "io.kind-rs.creation";

/// How often what is made while it is being rolled back is looked for.
const ROLL_BACK_PASSES: usize = 5;

pub(crate) async fn run(session: &Session<'_>, args: CreateCluster) -> Result<(), Failure> {
    let start = Instant::now();
    let settings = session.settings()?;
    let spec = specification(&args)?;
    let name = session.cluster_name(args.name, &settings, spec.name.clone())?;
    let kubeconfig = session.kubeconfig(&args.kubeconfig, &settings)?;
    // Better to hear of an unusable kubeconfig before the work than after it.
    kubeconfig.check()?;
    let engine = session.engine(&settings).await?;
    refuse_taken(&*engine, &name).await?;
    let creation =
        format!("{}-{}", process::id(), SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos()));
    let blueprint = Blueprint {
        name: name.clone(),
        spec,
        image: String::new(),
        load_balancer_image: None,
        labels: Labels::from([(LABEL_CREATION.to_owned(), creation.clone())]),
        retain: args.retain,
        wait: Some(args.wait).filter(|limit| !limit.is_zero()),
        logs: settings.state_dir.join("logs"),
    };
    session.console.note(&format!("creating cluster {name}"));
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let steps = session.console.steps();
    let made = tokio::select! {
        made = make(Arc::clone(&engine), blueprint, &steps) => made?,
        signal = signals.next() => {
            drop(steps);
            let outcome = if args.retain {
                format!("what was made stays, as asked; `kind-rs delete cluster --name {name}` removes it")
            } else {
                session.console.note(&format!("{signal}: removing what was made of cluster {name}; once more to stop that, too"));
                roll_back(session, &*engine, &name, &creation, &mut signals).await
            };
            return Err(Failure::Interrupted { name, signal, outcome });
        }
    };
    drop(steps);
    finish(session, &made, &kubeconfig, &settings, start)
}

/// What is asked for; without a configuration one control plane, as kind does it.
fn specification(args: &CreateCluster) -> Result<ClusterSpec, Failure> {
    let spec = match args.config.as_deref() {
        None => ClusterSpec::single_node(),
        Some(path) if path == Path::new("-") => {
            config_file::load_stream(std::io::stdin(), Path::new("standard input"))?
        }
        Some(path) => config_file::load(path)?,
    };
    Ok(match &args.image {
        Some(image) => spec.image(image),
        None => spec,
    })
}

/// Before images are looked for, and so that an interruption finds nothing but what this run made.
async fn refuse_taken(engine: &dyn Engine, name: &ClusterName) -> Result<(), Failure> {
    let there = inventory::containers(engine, name).await?;
    if there.is_empty() {
        return Ok(());
    }
    let containers = there.into_iter().map(|container| container.name).collect::<Vec<_>>().join(", ");
    Err(Failure::Taken(StepError::NameTaken { name: name.to_string(), containers }))
}

async fn make(engine: Arc<dyn Engine>, mut blueprint: Blueprint, steps: &Steps<'_>) -> Result<ClusterRecord, Failure> {
    blueprint.image = steps.during("find the node image", images(&*engine, &blueprint.spec)).await?;
    let made = provision(engine, &blueprint, steps).await;
    made.map_err(|source| Failure::Create { name: blueprint.name, source: Box::new(source) })
}

/// Has every node's image on the engine and returns the one for nodes without their own, and for the load balancer.
async fn images(engine: &dyn Engine, spec: &ClusterSpec) -> Result<String, Failure> {
    let built = node_image_reference(Release::newest());
    let mut named: Vec<&str> = Vec::new();
    for image in spec.nodes.iter().filter_map(|node| node.image.as_deref()) {
        if !named.contains(&image) {
            resolve(engine, Some(image), &built).await?;
            named.push(image);
        }
    }
    if spec.nodes.iter().all(|node| node.image.is_some())
        && let Some(first) = named.first()
    {
        return Ok((*first).to_owned());
    }
    Ok(resolve(engine, None, &built).await?)
}

/// Removes what this run made. A request that was under way when the creation was dropped may still be carried out by
/// the engine, so this goes on until nothing more is found.
async fn roll_back(
    session: &Session<'_>,
    engine: &dyn Engine,
    name: &ClusterName,
    creation: &str,
    signals: &mut Signals,
) -> String {
    let left = format!("not everything was removed; `kind-rs delete cluster --name {name}` does it");
    let passes = async {
        let mut last = None;
        for _ in 0..ROLL_BACK_PASSES {
            let there = engine.containers(&cluster_labels(name)).await.unwrap_or_default();
            if there.iter().any(|container| container.labels.get(LABEL_CREATION).is_none_or(|made| made != creation)) {
                return "somebody else makes a cluster of that name at the same time: nothing was removed".to_owned();
            }
            match destroy(engine, name).await {
                Ok(removed) if removed.is_empty() => return "what had been made is removed".to_owned(),
                Ok(_) => last = None,
                Err(error) => last = Some(error),
            }
        }
        if let Some(error) = last {
            session.console.failure(&Failure::Destroy(error));
        }
        left.clone()
    };
    tokio::select! {
        outcome = passes => outcome,
        _ = signals.next() => left.clone(),
    }
}

fn finish(
    session: &Session<'_>,
    made: &ClusterRecord,
    kubeconfig: &KubeconfigFiles,
    settings: &Settings,
    start: Instant,
) -> Result<(), Failure> {
    let name = &made.name;
    let merged = kubeconfig.merge(&made.kubeconfig);
    let file = merged.map_err(|source| Failure::NotMerged { name: name.clone(), source })?;
    let (count, version, seconds) = (made.nodes.len(), &made.kubernetes_version, start.elapsed().as_secs_f64());
    let nodes = if count == 1 { "node" } else { "nodes" };
    let context = name.context();
    session.console.note(&format!(
        "cluster {name} is up: Kubernetes {version}, {count} {nodes}, {seconds:.1} s\n\
         kubectl's current context is now {context} (in {})",
        shown(&file, settings)
    ));
    Ok(())
}
