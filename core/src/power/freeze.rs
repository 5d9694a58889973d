//! A cluster frozen and let go on: its processes stay where they are, and its clocks go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kind_engine::{ContainerFacts, Engine, EngineError};
use kube::Client;

use super::{PAUSED, PowerError, RUNNING, Way, controllers, each, kubelets, parts};
use crate::{
    causes::chain,
    spec::ClusterName,
    wait::{Check, until_or},
};

/// For how long freezing a container is tried, and how often.
const LIMIT: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(200);
/// What runc says where control groups of version 1 did not get hold of all processes at once: in a container in which many
/// come and go, and on a busy machine, the next try does.
const NOT_FROZEN: &str = "unable to freeze";

/// Freezes a cluster for as long as it may be: its controllers stop first, so that those that lead still do so when it goes
/// on. Says how many containers were frozen.
///
/// # Errors
/// When there is no such cluster, or a container cannot be frozen.
pub async fn pause(engine: &dyn Engine, name: &ClusterName) -> Result<usize, PowerError> {
    let containers = parts(engine, name).await?;
    controllers::stop(engine, &containers).await?;
    freeze_all(engine, &containers).await
}

/// Lets a paused cluster go on. Says how many of its containers were frozen.
///
/// # Errors
/// When there is no such cluster, or a container stays frozen or stopped.
pub async fn unpause(engine: &Arc<dyn Engine>, name: &ClusterName) -> Result<usize, PowerError> {
    let thawed = thaw(&**engine, name).await?;
    // Also where none was frozen: whoever paused it may have been killed before.
    let containers = parts(&**engine, name).await?;
    let way = Way::to(engine, name, &containers).await?;
    awake(&**engine, &containers, way.client().await?).await?;
    Ok(thawed)
}

/// What is left to do when a paused cluster's containers go on: its controllers lead as before, and its kubelets see that
/// nothing happened. Does no harm to one that was not paused.
///
/// # Errors
/// When there is no such cluster, or the engine refuses.
pub async fn go_on(engine: &dyn Engine, name: &ClusterName, client: &Client) -> Result<(), PowerError> {
    awake(engine, &parts(engine, name).await?, client).await
}

async fn awake(engine: &dyn Engine, containers: &[ContainerFacts], client: &Client) -> Result<(), PowerError> {
    let they_lead = AtomicBool::new(false);
    let leaders = async {
        let led = controllers::lead_on(engine, containers, client).await;
        they_lead.store(true, Ordering::Relaxed);
        led
    };
    futures::try_join!(leaders, kubelets::look_again(engine, containers, client, &they_lead)).map(drop)
}

/// Freezes the cluster's running containers for a few seconds. Says how many.
///
/// # Errors
/// When there is no such cluster, or a container cannot be frozen.
pub async fn freeze(engine: &dyn Engine, name: &ClusterName) -> Result<usize, PowerError> {
    freeze_all(engine, &parts(engine, name).await?).await
}

/// Lets the cluster's frozen containers go on. Says how many.
///
/// # Errors
/// When there is no such cluster, or a container stays frozen.
pub async fn thaw(engine: &dyn Engine, name: &ClusterName) -> Result<usize, PowerError> {
    let containers = parts(engine, name).await?;
    let frozen: Vec<_> = containers.iter().filter(|container| container.state == PAUSED).collect();
    let count = frozen.len();
    each(frozen, "let go on", async |container| engine.unpause_container(&container.name).await).await?;
    Ok(count)
}

async fn freeze_all(engine: &dyn Engine, containers: &[ContainerFacts]) -> Result<usize, PowerError> {
    let running: Vec<&ContainerFacts> = containers.iter().filter(|container| container.state == RUNNING).collect();
    let count = running.len();
    each(running, "freeze", async |container| freeze_one(engine, &container.name).await).await?;
    Ok(count)
}

async fn freeze_one(engine: &dyn Engine, container: &str) -> Result<(), EngineError> {
    let mut refusal = None;
    let frozen = until_or(EVERY, format!("{container} to be frozen"), LIMIT, async || {
        match engine.pause_container(container).await {
            Err(error) if chain(&error).contains(NOT_FROZEN) => {
                let status = chain(&error);
                refusal = Some(error);
                Ok(Check::NotYet(status))
            }
            done => done.map(Check::Done),
        }
    });
    match (frozen.await?, refusal) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        // The engine has not answered once: whatever it says in the end counts.
        (Err(_), None) => engine.pause_container(container).await,
    }
}
