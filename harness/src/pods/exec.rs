//! A command in a container of a pod that runs. The kubelet's own way needs `WebSockets`, for which `kube` brings a dozen crates;
//! containerd in the pod's node does the same.

use k8s_openapi::api::core::v1::Pod;
use kind_core::{
    cluster::{Cluster, ClusterError},
    spec::Instance,
};
use kind_engine::{Command, ExecOutput};
use kube::{Api, Client};

use super::ExecError;
use crate::{TestContext, TestNamespace};

/// Which container `kubectl` takes where none is named.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";
/// How containerd names itself in identifiers.
const RUNTIME: &str = "containerd://";
/// How its client begins what it says itself, and with what it then ends.
const ITSELF: (&str, i64) = ("ctr: ", 1);
/// Its client warns of things that no test can change.
const QUIET: &str = "CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS";

impl TestContext {
    /// Runs a command in a container of a pod of the test's namespace, as `kubectl exec` does, and returns what it printed and its
    /// exit code, which is no error by itself: [`ExecOutput::success`] makes one of it.
    ///
    /// `pod` is the pod's name, with a container's where it has several and not the first one is meant: `web-0/sidecar`. `command`
    /// is an array, or a [`Command`] with standard input. It has the container's environment and user.
    ///
    /// ```no_run
    /// use kind_harness::{Command, TestContext, kind_test};
    ///
    /// #[kind_test]
    /// async fn keeps_what_it_is_told(context: TestContext) -> anyhow::Result<()> {
    ///     context.apply_files("deploy").await?;
    ///     context.exec("store-0", Command::new(["store", "import"]).stdin("a = 1\n")).await?.success()?;
    ///     assert_eq!(context.exec("store-0", ["store", "get", "a"]).await?.success()?, "1\n");
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When there is no such pod or container, it does not run, the command cannot be started in it, or the cluster belongs to
    /// somebody else.
    pub async fn exec(&self, pod: &str, command: impl Into<Command>) -> Result<ExecOutput, ExecError> {
        let namespace = self.namespace().map(TestNamespace::name);
        let namespace = namespace.ok_or_else(|| ExecError::NoNamespace { pod: pod.to_owned() })?;
        exec(self.cluster(), self.client(), (namespace, pod), command.into()).await
    }
}

pub(super) async fn exec(
    cluster: &Cluster,
    client: &Client,
    (namespace, target): (&str, &str),
    command: Command,
) -> Result<ExecOutput, ExecError> {
    if !cluster.is_ours() {
        return Err(ClusterError::OutOfReach { cluster: cluster.name().to_owned() }.into());
    }
    let pod = || target.to_owned();
    if !command.environment.is_empty() {
        return Err(ExecError::Environment { pod: pod() });
    }
    let (name, container) = match target.split_once('/') {
        Some((name, container)) => (name, Some(container)),
        None => (target, None),
    };
    let found = Api::<Pod>::namespaced(client.clone(), namespace).get(name).await;
    let found = found.map_err(|error| ExecError::Api { pod: pod(), answer: Box::new(error) })?;
    let (node, container) = running(&found, container).map_err(|why| ExecError::NotRunning { pod: pod(), why })?;
    let node = cluster.nodes().into_iter().find(|one| one.name() == node);
    let node = node.ok_or_else(|| ExecError::NotRunning { pod: pod(), why: "its node is none of ours".to_owned() })?;

    let output = node.run(&in_container(&container, &command)).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    // Its own words are the last.
    if let Some(why) = said.trim_end().lines().last().and_then(|line| line.strip_prefix(ITSELF.0))
        && output.exit_code == ITSELF.1
    {
        return Err(ExecError::NotStarted { pod: pod(), command: command.argv.join(" "), why: why.to_owned() });
    }
    Ok(ExecOutput { container: target.to_owned(), argv: command.argv, ..output })
}

/// The command of a node that runs this one in a container.
fn in_container(id: &str, command: &Command) -> Command {
    let once = format!("kind-{}", Instance::new());
    let mut argv: Vec<String> =
        ["ctr", "--namespace", "k8s.io", "tasks", "exec", "--exec-id", &once, id].map(ToOwned::to_owned).to_vec();
    argv.extend(command.argv.iter().cloned());
    let within = Command { stdin: command.stdin.clone(), ..Command::new(argv) };
    within.env(QUIET, "true")
}

/// The node, and containerd's identifier of a container that runs.
fn running(pod: &Pod, container: Option<&str>) -> Result<(String, String), String> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).map(|one| one.name.as_str());
    let named =
        pod.metadata.annotations.iter().flatten().find(|(name, _)| *name == DEFAULT).map(|(_, value)| value.as_str());
    let all: Vec<&str> = containers.collect();
    let wanted = container.or(named).or(all.first().copied()).unwrap_or_default();
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let statuses = pod.status.iter().flat_map(|status| {
        let of = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
        of.into_iter().flatten().flatten()
    });
    let Some(status) = statuses.into_iter().find(|one| one.name == wanted) else {
        if all.contains(&wanted) {
            return Err(format!("it does not run yet: {phase}"));
        }
        return Err(format!("it has no container {wanted}; it has {}", all.join(", ")));
    };
    let is_running = status.state.as_ref().is_some_and(|state| state.running.is_some());
    let id = status.container_id.as_deref().and_then(|id| id.strip_prefix(RUNTIME));
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    match (node, id) {
        (Some(node), Some(id)) if is_running => Ok((node, id.to_owned())),
        _ => {
            let state = status.state.as_ref();
            let waits = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref());
            let ended = state.and_then(|state| state.terminated.as_ref()?.reason.as_deref());
            Err(format!("container {wanted} does not run: {}", waits.or(ended).unwrap_or(phase)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kind_core::{
        cluster::NodeRecord,
        fake_api::{self, Answer, FakeApi},
        spec::{NodeName, Role},
    };
    use kind_engine::{FakeEngine, Outcome};
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn status(name: &str, state: &str) -> Value {
        json!({ "name": name, "ready": true, "restartCount": 0, "image": "", "imageID": "",
            "containerID": format!("containerd://id-of-{name}"), "state": { state: {} } })
    }

    fn pod() -> Value {
        json!({
            "metadata": { "name": "web-0" },
            "spec": { "nodeName": "x-worker", "containers": [{ "name": "web" }, { "name": "sidecar" }, { "name": "late" }] },
            "status": { "phase": "Running", "containerStatuses": [
                status("web", "running"), status("sidecar", "running"),
            ] },
        })
    }

    /// What a command in that pod gives, and what the engine was asked for.
    async fn run(target: &str, pod: Value, command: Command, outcome: Option<Outcome>) -> (String, Vec<String>) {
        let worker = NodeName::existing("x-worker".to_owned());
        let node = NodeRecord::new(worker, Role::Worker, std::net::Ipv4Addr::LOCALHOST.into());
        let mut record = fake_api::record();
        record.nodes = vec![node];
        let engine = Arc::new(FakeEngine::default());
        if let Some(outcome) = outcome {
            engine.when("exec x-worker ctr", outcome);
        }
        let cluster = Cluster::with_engine(record, engine.clone());
        let client = FakeApi::default().client(move |_, path, _| {
            if path.ends_with("/namespaces/ns/pods/web-0") {
                Answer::ok(pod.clone())
            } else {
                Answer::refused(404, "pods \"gone\" not found")
            }
        });
        let said = match exec(&cluster, &client, ("ns", target), command).await {
            Ok(output) => format!("{} {}", output.exit_code, String::from_utf8_lossy(&output.stdout)),
            Err(error) => error.to_string(),
        };
        (said, engine.calls())
    }

    #[rstest]
    #[case("web-0", "id-of-web")]
    #[case("web-0/sidecar", "id-of-sidecar")]
    #[tokio::test]
    async fn a_command_goes_to_the_container_that_is_meant(#[case] target: &str, #[case] id: &str) {
        let command = Command::new(["cat", "-"]);
        let (said, calls) = run(target, pod(), command, Some(Outcome::Print("words".to_owned()))).await;
        assert_eq!(said, "0 words");
        let call = calls.iter().find(|call| call.contains("tasks exec")).unwrap();
        assert!(call.ends_with(&format!(" {id} cat -")), "{call}");
    }

    #[test]
    fn standard_input_goes_along_and_each_command_has_a_name_of_its_own() {
        let command = Command::new(["cat"]).stdin("words");
        let [one, other] = [in_container("id", &command), in_container("id", &command)];
        assert_eq!(one.stdin.as_deref(), Some(b"words".as_slice()));
        assert_ne!(one.argv, other.argv);
    }

    #[tokio::test]
    async fn an_exit_code_is_no_error_and_what_did_not_start_is_one() {
        let command = || Command::new(["sh"]);
        let failed = Outcome::Exit(1, "sh: no such thing\n".to_owned());
        assert_eq!(run("web-0", pod(), command(), Some(failed)).await.0, "1 ");
        let not_started = Outcome::Exit(1, "ctr: OCI runtime exec failed: no such file\n".to_owned());
        let said = run("web-0", pod(), command(), Some(not_started)).await.0;
        assert_eq!(said, "run `sh` in pod web-0: OCI runtime exec failed: no such file");
    }

    #[rstest]
    #[case("gone", "look for pod gone: ")]
    #[case("web-0/none", "run a command in pod web-0/none: it has no container none; it has web, sidecar, late")]
    #[case("web-0/late", "run a command in pod web-0/late: it does not run yet: Running")]
    #[tokio::test]
    async fn what_does_not_run_is_said(#[case] target: &str, #[case] expected: &str) {
        let (said, calls) = run(target, pod(), Command::new(["sh"]), None).await;
        assert!(said.starts_with(expected), "{said}");
        assert!(calls.is_empty(), "{calls:?}");
    }

    #[tokio::test]
    async fn a_container_that_waits_or_ended_says_why_and_another_may_be_the_default() {
        let mut changed = pod();
        changed["metadata"]["annotations"] = json!({ (DEFAULT): "sidecar" });
        let mut waits = status("sidecar", "waiting");
        waits["state"]["waiting"]["reason"] = "CrashLoopBackOff".into();
        changed["status"]["containerStatuses"][1] = waits;
        let said = run("web-0", changed, Command::new(["sh"]), None).await.0;
        assert_eq!(said, "run a command in pod web-0: container sidecar does not run: CrashLoopBackOff");
    }

    #[tokio::test]
    async fn variables_are_refused_and_nodes_of_others_too() {
        let said = run("web-0", pod(), Command::new(["sh"]).env("A", "b"), None).await.0;
        assert!(said.contains("environment"), "{said}");
        let mut elsewhere = pod();
        elsewhere["spec"]["nodeName"] = "kwok-1".into();
        let said = run("web-0", elsewhere, Command::new(["sh"]), None).await.0;
        assert!(said.ends_with("its node is none of ours"), "{said}");
    }
}
