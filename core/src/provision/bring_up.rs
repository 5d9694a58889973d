//! The list of steps, in order.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kind_engine::Engine;
use kind_images::features;

use super::{
    Blueprint, Progress,
    authority::Authority,
    boot, clone, containers,
    context::Context,
    control_planes, evidence, images, join, limits, manifests, network,
    outline::remarks,
    plan::Plan,
    ready, registry, room, rootless,
    running::Running,
    service_proxy,
    steps::{Failure, ProvisionError, Remains, StepError},
    storage, taken,
};
use crate::{
    causes::chain,
    cluster::{ClusterRecord, NodeRecord, note_reach},
    config_file::missing_host_paths,
    render::{check_patches, kubeconfig},
    warnings::warn,
};

const PLAN: &str = "check and plan";
const NETWORK: &str = "create the network";
const CONTAINERS: &str = "start the containers";
const BOOT: &str = "boot the nodes";
const CONTROL_PLANES: &str = "start the control planes";
const JOIN: &str = "join the nodes";
const STORAGE: &str = "install storage";
const IMAGES: &str = "load the images";
const REGISTRY: &str = "start the registry";
const MANIFESTS: &str = "apply the manifests";
const WAKE: &str = "wait for the nodes to be themselves again";
const ADD_ONS: &str = "wait for DNS and storage to run again";
const READY: &str = "wait for nodes, DNS and storage";

/// How much longer a step may take for each node that it works on.
const PER_NODE: Duration = Duration::from_secs(3);

/// Every step's name, in order; of a clone only the first four and the last three are taken. Joining, installing storage, loading images and starting the registry run at the same time;
/// what nobody asks for is left out: images, registry, manifests.
pub const STEPS: [&str; 13] =
    [PLAN, NETWORK, CONTAINERS, BOOT, CONTROL_PLANES, JOIN, STORAGE, IMAGES, REGISTRY, MANIFESTS, WAKE, ADD_ONS, READY];

/// Makes a cluster and returns what is needed to use it.
///
/// A failed bring-up keeps every node's logs and removes what it made, unless the blueprint says otherwise. Dropping the
/// future leaves things as they are; [`destroy`](super::destroy()) then removes them.
///
/// # Errors
/// When a step fails or does not end in time; the error names the step and the node.
pub async fn provision(
    engine: Arc<dyn Engine>,
    blueprint: &Blueprint,
    progress: &dyn Progress,
) -> Result<ClusterRecord, ProvisionError> {
    blueprint.remark();
    let running = Running::new(progress, blueprint.deadline);
    let planned = running.step(PLAN, Duration::from_secs(30), Box::pin(plan(&engine, blueprint)));
    let context = running.in_time(planned).await?;
    match running.in_time(Box::pin(bring_up(&context, &running))).await {
        Ok(record) => Ok(record),
        Err(mut error) => {
            // Where the name is another's there is nothing to look at.
            let is_taken = matches!(error.source, StepError::NameTaken { .. });
            if !is_taken {
                evidence::collect(&context, &mut error).await;
            }
            error.remains = if blueprint.retain && !is_taken {
                Remains::Retained
            } else {
                match blueprint.creation.undo(&*engine, &blueprint.name).await {
                    Ok(()) => Remains::Removed,
                    Err(left) => Remains::Left(chain(&left)),
                }
            };
            Err(error)
        }
    }
}

async fn bring_up(context: &Context, running: &Running<'_>) -> Result<ClusterRecord, ProvisionError> {
    let seconds = Duration::from_secs;
    let nodes_in_all = u32::try_from(context.plan.nodes.len()).unwrap_or(u32::MAX);
    // What is done on every node at once still shares the machine.
    let scaled = |base: u64| seconds(base).saturating_add(PER_NODE.saturating_mul(nodes_in_all));
    let blueprint = &context.plan.blueprint;
    let nodes = |step| running.nodes(step);
    let network = async {
        containers::reserve(context).await?;
        network::create(context).await
    };
    let network = running.step(NETWORK, seconds(60), network).await?;
    context.network.get_or_init(|| network);
    let port = running.step(CONTAINERS, scaled(120), containers::start(context, nodes(CONTAINERS))).await?;
    if let Some(origin) = &blueprint.origin {
        running.step(BOOT, scaled(120), clone::boot(context, nodes(BOOT))).await?;
        running.step(WAKE, scaled(240), clone::wake(context, WAKE, running.progress())).await?;
        let mut record = record(context, port, origin.kubernetes_version.clone());
        note_reach(&mut record).await;
        // Without a pod network, which a user brings, neither of them runs.
        let has_network = !blueprint.spec.networking.disable_default_cni;
        if let Some(limit) = blueprint.wait.filter(|_| has_network) {
            let again = clone::add_ons(context, &record, ADD_ONS, running.progress());
            running.step(ADD_ONS, limit, again).await?;
        }
        return finish(context, running, record).await;
    }
    let version = running.step(BOOT, scaled(120), boot::wait(context, nodes(BOOT))).await?;
    let control_planes = control_planes::start(context, nodes(CONTROL_PLANES));
    running.step(CONTROL_PLANES, scaled(300), control_planes).await?;
    let join = running.step(JOIN, scaled(300), join::nodes(context, nodes(JOIN)));
    let storage = running.step(STORAGE, seconds(120), storage::install(context));
    let images = async {
        if blueprint.spec.images.is_empty() {
            return Ok(());
        }
        running.step(IMAGES, scaled(600), images::load(context)).await
    };
    let registry = async {
        let Some(registry) = &blueprint.spec.registry else { return Ok(None) };
        running.step(REGISTRY, scaled(120), registry::start(context, registry, nodes(REGISTRY))).await.map(Some)
    };
    let ((), (), (), registry) = futures::try_join!(join, storage, images, registry)?;
    if !blueprint.spec.manifests.is_empty() {
        running.step(MANIFESTS, seconds(300), manifests::install(context)).await?;
    }
    let mut record = ClusterRecord { registry, ..record(context, port, version) };
    note_reach(&mut record).await;
    finish(context, running, record).await
}

/// Waits for what the cluster's first user wants to find.
async fn finish(
    context: &Context,
    running: &Running<'_>,
    record: ClusterRecord,
) -> Result<ClusterRecord, ProvisionError> {
    let blueprint = &context.plan.blueprint;
    if let Some(limit) = blueprint.wait {
        // The wait's own limit comes first, because its error says what is missing.
        let ready = ready::wait(&context.engine, &record, &blueprint.spec, limit, running.progress(), READY);
        running.step(READY, limit.saturating_add(Duration::from_secs(5)), ready).await?;
    }
    Ok(record)
}

/// Everything that can be refused before anything is created.
async fn plan(engine: &Arc<dyn Engine>, blueprint: &Blueprint) -> Result<Context, Failure> {
    blueprint.spec.validate().map_err(StepError::Spec)?;
    blueprint.name.fits(&blueprint.spec).map_err(|error| StepError::Spec(vec![error.into()]))?;
    let misfits = check_patches(&blueprint.spec);
    if let Some(misfit) = misfits.into_iter().next() {
        return Err(StepError::Patch(misfit).into());
    }
    for remark in remarks(&blueprint.spec) {
        warn(format_args!("cluster {}: {remark}", blueprint.name));
    }
    let mut plan = Plan::new(blueprint);
    let mut images: Vec<&String> = plan.nodes.iter().map(|node| &node.image).collect();
    images.extend(blueprint.load_balancer_image.as_ref());
    images.dedup();
    for image in images {
        if engine.image(image).await?.is_none() {
            return Err(StepError::NoImage { image: image.clone() }.into());
        }
    }
    // An image that is named for the load balancer is taken at its word; a node image must say that it can be one.
    if plan.load_balancer.is_some() && blueprint.load_balancer_image.is_none() {
        let image = &blueprint.image;
        let facts = engine.image(image).await?.ok_or_else(|| StepError::NoImage { image: image.clone() })?;
        if !features::has(&facts, features::LOAD_BALANCER) {
            return Err(StepError::NoLoadBalancer { image: image.clone() }.into());
        }
    }
    if blueprint.spec.registry.is_some() {
        let image = &blueprint.image;
        let facts = engine.image(image).await?.ok_or_else(|| StepError::NoImage { image: image.clone() })?;
        if !features::has(&facts, features::REGISTRY) {
            return Err(StepError::NoRegistry { image: image.clone() }.into());
        }
    }
    images::check(&**engine, &blueprint.spec.images).await?;
    for manifest in &blueprint.spec.manifests {
        manifests::content(manifest)?;
    }
    let facts = engine.facts().await?;
    plan.machine.clone_from(&facts.machine);
    rootless::check(&facts)?;
    limits::check(&plan, &facts)?;
    taken::check(&**engine, &plan, &facts).await?;
    if facts.local {
        for remark in missing_host_paths(&blueprint.spec) {
            warn(format_args!("cluster {}: {remark}", blueprint.name));
        }
    }
    service_proxy::check(&**engine, &plan, &facts).await?;
    room::check(&**engine, &plan, &facts).await?;
    let authority = match &blueprint.origin {
        Some(origin) => Authority::of_clone(&facts.time, origin),
        None => Authority::generate(&facts.time),
    };
    let authority = authority.map_err(StepError::from)?;
    Ok(Context {
        engine: Arc::clone(engine),
        plan,
        machine: facts,
        authority,
        token: token(),
        reservation: OnceLock::new(),
        network: OnceLock::new(),
        made: Mutex::default(),
    })
}

/// A random bootstrap token in kubeadm's form.
fn token() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0_u8; 22];
    getrandom::fill(&mut random).expect("the kernel has random numbers");
    let mut token: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    token.insert(6, '.');
    token
}

/// A host as it stands before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn record(context: &Context, port: u16, kubernetes_version: String) -> ClusterRecord {
    let plan = &context.plan;
    let blueprint = &plan.blueprint;
    let address = blueprint.spec.networking.api_server_address;
    // What listens everywhere is reached by the engine's machine's name, or at home.
    let server = match (address, &context.machine.machine) {
        (address, Some(machine)) if address.is_unspecified() => format!("https://{}:{port}", bracketed(machine)),
        (IpAddr::V4(address), _) if address.is_unspecified() => format!("https://127.0.0.1:{port}"),
        (IpAddr::V6(address), _) if address.is_unspecified() => format!("https://[::1]:{port}"),
        (address, _) => format!("https://{}", SocketAddr::new(address, port)),
    };
    let nodes = plan.nodes.iter().map(|node| NodeRecord {
        name: node.name.clone(),
        container: node.is_renamed().then(|| node.container.clone()),
        role: node.role,
        address: node.addresses.primary,
        secondary_address: node.addresses.secondary,
    });
    ClusterRecord {
        name: blueprint.name.clone(),
        instance: Some(blueprint.creation.instance().clone()),
        image: blueprint.image.clone(),
        kubernetes_version,
        nodes: nodes.collect(),
        load_balancer: plan.load_balancer.clone(),
        registry: None,
        kubeconfig: kubeconfig(
            &blueprint.name.context(),
            &server,
            plan.server_name().as_deref(),
            &context.authority.administrator,
        ),
        server,
        reached_from: None,
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_kubeadms_form_and_differ() {
        let (one, two) = (token(), token());
        assert_ne!(one, two);
        let (id, secret) = one.split_once('.').unwrap();
        assert_eq!((id.len(), secret.len()), (6, 16));
        assert!(one.chars().all(|c| c == '.' || c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
