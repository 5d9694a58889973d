//! A pod's state in one line, as `kubectl get pods` shows it, and whether it is well.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

/// What is worth telling of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodState {
    /// The pod's name.
    pub(super) name: String,
    /// A phase, or the reason of what keeps it from running.
    pub(super) state: String,
    /// How many of its containers are ready, of how many.
    pub(super) ready: (usize, usize),
    /// How often its containers were started again.
    pub(super) restarts: i32,
    /// What is said of its state.
    pub(super) message: Option<String>,
    /// Nothing about it explains a failure.
    pub(super) is_well: bool,
}

impl PodState {
    /// Reads it off the pod.
    pub(super) fn of(pod: &Pod) -> Self {
        let status = pod.status.clone().unwrap_or_default();
        let containers = containers(&status);
        let main = status.container_statuses.clone().unwrap_or_default();
        let wanted = pod.spec.as_ref().map_or(main.len(), |spec| spec.containers.len());
        let ready = main.iter().filter(|container| container.ready).count();
        let restarts = containers.iter().map(|container| container.restart_count).sum();
        let phase = status.phase.clone().unwrap_or_else(|| "Unknown".to_owned());
        let problem = containers.iter().find_map(problem).or_else(|| unscheduled(&status));
        let deleted = pod.metadata.deletion_timestamp.is_some();
        let is_well = match phase.as_str() {
            "Running" => ready == wanted && restarts == 0,
            "Succeeded" => true,
            _ => false,
        };
        let (state, message) = match problem {
            Some((reason, message)) => (reason, message),
            None => (status.reason.clone().unwrap_or(phase), status.message.clone()),
        };
        let state = if deleted { format!("Terminating ({state})") } else { state };
        let name = pod.metadata.name.clone().unwrap_or_default();
        Self { name, state, ready: (ready, wanted), restarts, message, is_well }
    }
}

/// The names of a pod's containers, and how often each was started again, in the order in which they start.
pub(super) fn container_names(pod: &Pod) -> Vec<(String, i32)> {
    let statuses = containers(&pod.status.clone().unwrap_or_default());
    statuses.into_iter().map(|container| (container.name, container.restart_count)).collect()
}

fn containers(status: &PodStatus) -> Vec<ContainerStatus> {
    let of = |statuses: &Option<Vec<ContainerStatus>>| statuses.clone().unwrap_or_default();
    [of(&status.init_container_statuses), of(&status.container_statuses)].concat()
}

/// Why a container does not run, unless it ended well.
fn problem(container: &ContainerStatus) -> Option<(String, Option<String>)> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.clone()?;
        // The usual way of a pod into life is no problem by itself, but says more than `Pending`.
        let last = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
        let exit = last.map(|last| format!("last exit code {}", last.exit_code));
        return Some((reason, waiting.message.clone().or(exit)));
    }
    let terminated = state.terminated.as_ref().filter(|terminated| terminated.exit_code != 0)?;
    let exit = format!("container {}: exit code {}", container.name, terminated.exit_code);
    let message = terminated.message.as_ref().map(|message| format!("{exit}: {message}"));
    Some((terminated.reason.clone().unwrap_or_else(|| "Error".to_owned()), Some(message.unwrap_or(exit))))
}

/// Why the scheduler found no node.
fn unscheduled(status: &PodStatus) -> Option<(String, Option<String>)> {
    let conditions = status.conditions.as_ref()?;
    let refused =
        conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some((refused.reason.clone()?, refused.message.clone()))
}
