//! Those that lead over a pause: the controller manager and the scheduler of one control plane, while the others' wait.
//!
//! A leader's lease is one of 15 s. After a longer pause it has run out, and whoever looks first leads from then on; the one
//! that led ends itself, and the kubelet starts it again, later each time. So all of them are stopped before the nodes are
//! frozen, and the leader goes on before the others do.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kind_engine::{Command, ContainerFacts, Engine};
use kube::{Api, Client};

use super::{PowerError, RUNNING};
use crate::{
    spec::{LABEL_ROLE, Role, node_name_of},
    wait::{Check, until_every, words_of_api},
};

/// What leads: the names of the leases, which begin as the processes' do.
const LEADERS: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];
/// How long a process' name is for the kernel, at most.
const NAME: usize = 15;
/// How long the API may take to say who leads.
const KNOWN: Duration = Duration::from_secs(20);
/// How long a leader may take to renew its lease, which it does twice a second; one that was stopped in the middle of that ends
/// itself.
const RENEWED: Duration = Duration::from_secs(4);
const EVERY: Duration = Duration::from_millis(100);
/// How often a leader is to renew its lease before the cluster counts as itself again: it looks after nodes in between.
const RENEWALS: usize = 2;
/// What `pkill` says where there is no such process.
const NO_PROCESS: i64 = 1;

fn is_control_plane(container: &ContainerFacts) -> bool {
    container.labels.get(LABEL_ROLE).is_some_and(|role| *role == Role::ControlPlane.to_string())
}

/// Stops them in all of these nodes.
pub(super) async fn stop(engine: &dyn Engine, containers: &[ContainerFacts]) -> Result<(), PowerError> {
    let stopped = signal_all(engine, containers, "STOP").await;
    if stopped.is_err() {
        go_on(engine, containers).await?;
    }
    stopped
}

/// Lets them go on, all at once.
pub(super) async fn go_on(engine: &dyn Engine, containers: &[ContainerFacts]) -> Result<(), PowerError> {
    signal_all(engine, containers, "CONT").await
}

async fn signal_all(engine: &dyn Engine, containers: &[ContainerFacts], name: &str) -> Result<(), PowerError> {
    let nodes = containers.iter().filter(|one| is_control_plane(one) && one.state == RUNNING);
    try_join_all(nodes.map(async |node| signal(engine, node, name, &LEADERS).await)).await.map(drop)
}

/// Lets the controllers of a cluster go on that was paused: those that led first, so that they still do.
pub(super) async fn lead_on(
    engine: &dyn Engine,
    containers: &[ContainerFacts],
    client: &Client,
) -> Result<(), PowerError> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-system");
    try_join_all(LEADERS.map(|leader| lead_first(engine, containers, &leases, leader))).await?;
    go_on(engine, containers).await
}

/// Lets the one go on that leads, and waits until it has said so again.
async fn lead_first(
    engine: &dyn Engine,
    containers: &[ContainerFacts],
    leases: &Api<Lease>,
    leader: &str,
) -> Result<(), PowerError> {
    let known = until_every(EVERY, format!("who leads as {leader}"), KNOWN, async || match leases.get(leader).await {
        Ok(lease) => Check::Done(Some(lease)),
        Err(kube::Error::Api(status)) if status.code == 404 => Check::Done(None),
        Err(error) => Check::not_yet(words_of_api(&error)),
    });
    let lease = match known.await {
        Ok(Some(lease)) => lease,
        Ok(None) => return Ok(()),
        // All go on at once then, and one of them leads.
        Err(error) => {
            tracing::warn!("{error}");
            return Ok(());
        }
    };
    let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
    // The name of the host, and something that no other process has.
    let host = holder.rsplit_once('_').map_or(holder, |(host, _)| host);
    let Some(node) = containers.iter().find(|one| is_control_plane(one) && node_name_of(one) == host) else {
        return Ok(());
    };
    signal(engine, node, "CONT", &[leader]).await?;
    let renewed = |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.renew_time.clone());
    let (mut seen, mut times) = (renewed(&lease), 0);
    let leads =
        until_every(EVERY, format!("{leader} to lead again"), RENEWED, async || match leases.get(leader).await {
            Ok(lease) => {
                let now = renewed(&lease);
                if now != seen {
                    (seen, times) = (now, times + 1);
                }
                if times >= RENEWALS { Check::Done(()) } else { Check::not_yet(format!("renewed {times} times")) }
            }
            Err(error) => Check::not_yet(words_of_api(&error)),
        });
    // Else the others go on as they do when a leader dies.
    if let Err(error) = leads.await {
        tracing::warn!("{error}");
    }
    Ok(())
}

async fn signal(engine: &dyn Engine, node: &ContainerFacts, signal: &str, leaders: &[&str]) -> Result<(), PowerError> {
    let names: Vec<&str> = leaders.iter().map(|leader| &leader[..leader.len().min(NAME)]).collect();
    let command = Command::new(["pkill", &format!("-{signal}"), "-x", &names.join("|")]);
    let asked = engine.exec(&node.id, &command).await;
    let verb = "signal the controllers of";
    let output = asked.map_err(|source| PowerError::Container { verb, container: node.name.clone(), source })?;
    if output.exit_code != NO_PROCESS {
        output.success()?;
    }
    Ok(())
}
