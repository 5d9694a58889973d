//! `kind-rs ps`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kind_core::{access::Access, inventory::Maker, spec::is_role_of_node};
use kind_lease::{ClusterState, ClusterView, Overview, Removal, overview};

use crate::{
    args::{Form, Ps},
    failure::Failure,
    output::print,
    session::Session,
    table::{Table, size, span},
    terminal,
};

pub(crate) async fn run(session: &Session<'_>, args: Ps) -> Result<(), Failure> {
    let engine = session.connect().await;
    let overview = overview(&session.settings, engine.as_deref()).await?;
    match args.output {
        Form::Json => print(&json(&overview))?,
        Form::Table if overview.clusters.is_empty() => {
            if overview.engine_error.is_none() {
                session.console.note("there is no cluster");
            }
        }
        Form::Table => print(&table(&overview).text(terminal::output_width()))?,
    }
    match overview.engine_error {
        None => Ok(()),
        Some(reason) => Err(engine.err().map_or(Failure::NotAsked { reason }, Failure::Engine)),
    }
}

fn json(overview: &Overview) -> String {
    serde_json::to_string_pretty(overview).expect("the list is plain data with text keys")
}

fn table(overview: &Overview) -> Table {
    let mut table = Table::default();
    table.row(["NAME", "STATE", "NODES", "MEMORY", "SINCE", "USERS", "GOES"]);
    for cluster in &overview.clusters {
        let users = cluster.holders.len().to_string();
        let users = if cluster.keeper.is_some() { &users } else { "-" };
        let memory = cluster.memory.map_or_else(|| "-".to_owned(), size);
        let since = cluster.since.map_or_else(|| "-".to_owned(), since);
        table.row([&cluster.name, &state(cluster), &nodes(cluster), &memory, &since, users, &goes(&cluster.removal)]);
        lines(cluster, &mut table);
    }
    table
}

fn state(cluster: &ClusterView) -> String {
    let word = match cluster.state {
        ClusterState::Creating => "creating",
        ClusterState::Ready => "ready",
        ClusterState::Failed => "failed",
        ClusterState::Deleting => "deleting",
        ClusterState::Kept => "kept",
        ClusterState::Running => "running",
        ClusterState::PartlyRunning => "partly running",
        ClusterState::Paused => "paused",
        ClusterState::Stopped => "stopped",
        _ => "unknown",
    };
    // Kept and failed clusters have none, and need none.
    let needs_keeper = matches!(cluster.state, ClusterState::Creating | ClusterState::Ready | ClusterState::Deleting);
    if needs_keeper && cluster.keeper == Some(false) { format!("{word}, no keeper") } else { word.to_owned() }
}

/// How many of the nodes run.
fn nodes(cluster: &ClusterView) -> String {
    let nodes = || cluster.containers.iter().filter(|container| is_role_of_node(container.role.as_deref()));
    let running = nodes().filter(|node| node.state == "running").count();
    match nodes().count() {
        0 => "-".to_owned(),
        all => format!("{running}/{all}"),
    }
}

fn goes(removal: &Removal) -> String {
    let soon = |seconds: u64| format!("in {}", span(Duration::from_secs(seconds)));
    match removal {
        Removal::Never => "when deleted".to_owned(),
        Removal::RunEnds => "with its run".to_owned(),
        Removal::Unused { limit, in_seconds: None } => format!("{} unused", span(Duration::from_secs(*limit))),
        Removal::Unused { in_seconds: Some(seconds), .. } | Removal::Kept { in_seconds: seconds } => soon(*seconds),
        Removal::NextSweep => "next sweep".to_owned(),
        Removal::Now => "now".to_owned(),
        _ => "-".to_owned(),
    }
}

/// What does not fit into columns.
fn lines(cluster: &ClusterView, table: &mut Table) {
    if let Some(detail) = &cluster.detail {
        table.line(detail);
    }
    let of_user = cluster.user.as_ref().map(|user| format!(", by {user}")).unwrap_or_default();
    match (cluster.maker, &cluster.scope) {
        (Maker::CommandLine, _) => table.line("made by `kind-rs create cluster`"),
        (Maker::Stranger, _) => table.line("made by another tool"),
        // The scope's word for it tells less.
        (_, Some(scope)) if scope == "user" => table.line(&format!("made for one run after the other{of_user}")),
        (_, Some(scope)) => table.line(&format!("made for {scope}{of_user}")),
        (_, None) => table.line(&format!("made for tests{of_user}")),
    }
    if let Removal::Elsewhere { state_dir: Some(folder) } = &cluster.removal {
        table.line(&format!("its state is in {}", folder.display()));
    }
    for test in &cluster.failed_tests {
        table.line(&format!("kept after {test}"));
    }
    for (what, holders) in [("used by", &cluster.holders), ("waited for by", &cluster.waiting)] {
        for holder in holders {
            let access = match holder.access {
                Access::Shared => "shared",
                Access::Exclusive => "exclusive",
                Access::Read => "read",
                Access::Fresh => "fresh",
            };
            table.line(&format!("{what} {} ({access}, for {})", holder.test, since(holder.since)));
        }
    }
    // Where nothing runs there is nothing to explain.
    if let Some(why) = cluster.memory_unknown.as_ref().filter(|_| !nodes(cluster).starts_with(['-', '0'])) {
        table.line(&format!("memory unknown: {why}"));
    }
}

fn since(seconds: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_secs(seconds);
    span(SystemTime::now().duration_since(then).unwrap_or_default())
}
