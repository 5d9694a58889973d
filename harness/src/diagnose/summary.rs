//! The few lines that are printed under a failed test. Pure text.

use std::fmt::Display;

use k8s_openapi::api::core::v1::{Event, Node};
use kind_core::{cluster::ClusterRecord, redact::redacted, settings::Keep, spec::Role};

use super::{
    collect::Snapshot,
    failure::{Failed, Look},
    logs::Log,
    pod::PodState,
};

/// The longest line; more is cut off and in the bundle.
const WIDEST: usize = 160;
/// How many pods are listed, the unwell ones first.
const MOST_PODS: usize = 4;
/// How many warning events are listed, the last ones.
const MOST_EVENTS: usize = 3;
/// Of how many unwell pods the log is quoted, and how many lines each.
const MOST_LOGS: (usize, usize) = (2, 2);
/// How many lines before those are looked at.
const LOOKED_AT: usize = 200;
/// How many lines say what a test was doing that did not end. Then one pod fewer is listed, and one log fewer quoted.
const MOST_DOING: usize = 4;

/// At most twenty lines.
pub(super) fn summary(failed: &Failed, snapshot: &Snapshot, not_written: Option<&dyn Display>) -> String {
    let mut states: Vec<PodState> = snapshot.pods.iter().map(PodState::of).collect();
    states.sort_by_key(|state| state.is_well);
    let mut lines = vec![format!("---- {}: what it left", failed.test), place(failed, snapshot)];
    let doing = failed.doing.lines(MOST_DOING);
    let fewer = usize::from(!doing.is_empty());
    lines.extend(doing.iter().map(|line| format!("  {line}")));
    lines.extend(pods(&states, failed, snapshot, MOST_PODS - fewer));
    lines.extend(warnings(&snapshot.events));
    lines.extend(logs(&states, &snapshot.logs, MOST_LOGS.0 - fewer));
    if let Some(first) = snapshot.missing.first() {
        let more = snapshot.missing.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        lines.push(format!("  not to be had: {first}{more}"));
    }
    lines.push(format!("  {}", failed.timeline));
    let mut lines: Vec<String> = lines.iter().map(|line| cut(line)).collect();
    // These are copied, so they are never cut.
    let folder = failed.folder.display();
    lines.push(match not_written {
        None => format!("  all of it: {folder}"),
        Some(problem) => format!("  all of it: not written: {problem}"),
    });
    lines.push(look(failed, snapshot));
    lines.join("\n")
}

/// Where it ran.
fn place(failed: &Failed, snapshot: &Snapshot) -> String {
    let ClusterRecord { name, kubernetes_version, nodes, .. } = failed.cluster.record();
    let namespace = failed.namespace.map_or_else(|| "no namespace".to_owned(), |name| format!("namespace {name}"));
    let unready: Vec<&str> = snapshot.nodes.iter().filter(|node| !is_ready(node)).filter_map(node_name).collect();
    let nodes = if nodes.len() == 1 { "1 node".to_owned() } else { format!("{} nodes", nodes.len()) };
    let state = match (snapshot.nodes.is_empty(), unready.is_empty()) {
        (true, _) => format!("{nodes}, state unknown"),
        (false, true) => format!("{nodes}, all Ready"),
        (false, false) => format!("{nodes}, not Ready: {}", unready.join(", ")),
    };
    format!("  {namespace} of cluster {name} ({kubernetes_version}, {state})")
}

fn node_name(node: &Node) -> Option<&str> {
    node.metadata.name.as_deref()
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|it| it.type_ == "Ready" && it.status == "True"))
}

fn pods(states: &[PodState], failed: &Failed, snapshot: &Snapshot, most: usize) -> Vec<String> {
    if states.is_empty() {
        let looked = failed.namespace.is_some()
            && !snapshot.missing.iter().any(|it| it.starts_with("pods:") || it.starts_with("pods,"));
        return if looked { vec!["  no pods".to_owned()] } else { Vec::new() };
    }
    let line = |state: &PodState| {
        let PodState { name, state, ready: (ready, wanted), restarts, message, .. } = state;
        let restarts = match restarts {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            count => format!(", {count} restarts"),
        };
        let message = message.as_ref().map(|message| format!(": {}", one_line(message))).unwrap_or_default();
        format!("  pod {name}: {state}, {ready} of {wanted} ready{restarts}{message}")
    };
    let mut lines: Vec<String> = states.iter().take(most).map(line).collect();
    if states.len() > most {
        let unwell = states.iter().skip(most).filter(|state| !state.is_well).count();
        lines.push(format!("  and {} more pods, {unwell} of them unwell", states.len() - most));
    }
    lines
}

fn warnings(events: &[Event]) -> Vec<String> {
    let warnings: Vec<&Event> = events.iter().filter(|event| event.type_.as_deref() == Some("Warning")).collect();
    let line = |event: &&Event| {
        let object = &event.involved_object;
        let [kind, name, reason, message] =
            [&object.kind, &object.name, &event.reason, &event.message].map(|it| it.clone().unwrap_or_default());
        let times = event.count.filter(|count| *count > 1).map(|count| format!(" ({count} times)")).unwrap_or_default();
        format!("  warning {reason} of {} {name}{times}: {}", kind.to_lowercase(), one_line(&message))
    };
    warnings.iter().skip(warnings.len().saturating_sub(MOST_EVENTS)).map(line).collect()
}

/// The end of unwell pods' logs; of a container that was started again, what it said before it ended.
fn logs(states: &[PodState], logs: &[Log], most_pods: usize) -> Vec<String> {
    let most_lines = MOST_LOGS.1;
    let quoted = states.iter().filter(|state| !state.is_well).filter_map(|state| {
        let of_pod = logs.iter().filter(|log| log.pod == state.name && !log.text.trim().is_empty());
        let log = of_pod.max_by_key(|log| log.previous)?;
        // What belongs to a secret may have begun some lines before.
        let all: Vec<&str> = log.text.lines().collect();
        let end = redacted(&all[all.len().saturating_sub(LOOKED_AT)..].join("\n"));
        let lines: Vec<&str> = end.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(most_lines));
        let last = last.map(|line| format!("    {}", without_time(line)));
        let heading = format!("  log of {}/{}:", log.pod, log.container);
        Some([heading].into_iter().chain(last).collect::<Vec<_>>())
    });
    quoted.take(most_pods).flatten().collect()
}

/// The command that looks into the cluster, or why there will be nothing to look at.
fn look(failed: &Failed, snapshot: &Snapshot) -> String {
    let gone = |what: &str| format!("  {what} goes away (KIND_TEST_KEEP=never); KIND_TEST_KEEP=on-failure keeps it");
    let kubectl = match &failed.look {
        Look::With(_) if failed.keep == Keep::Never && failed.namespace.is_some() => return gone("the namespace"),
        Look::With(kubectl) => kubectl.clone(),
        Look::InNode if failed.keep == Keep::Never => return gone("the cluster"),
        Look::InNode => {
            let is_unready =
                |name: &str| snapshot.nodes.iter().any(|node| node_name(node) == Some(name) && !is_ready(node));
            let control_planes = || failed.cluster.record().nodes.iter().filter(|node| node.role == Role::ControlPlane);
            let well = control_planes().find(|node| !is_unready(node.name.as_str())).or(control_planes().next());
            let Some(node) = well else { return "  the cluster has no control plane to look from".to_owned() };
            format!("docker exec {} kubectl --kubeconfig /etc/kubernetes/admin.conf", node.container())
        }
    };
    match failed.namespace {
        Some(namespace) => format!("  look: {kubectl} -n {namespace} get all,events"),
        None => format!("  look: {kubectl} get nodes,pods -A"),
    }
}

/// A log's line without the time that the API puts in front of it.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.len() >= 20 && time.contains('T') && time.ends_with('Z') => rest,
        _ => line,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line without control characters, which a log may have, and no wider than what is read at a glance.
fn cut(line: &str) -> String {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}
