//! Why a program did not run in a pod, or not well.

use std::time::Duration;

use kind_core::{cluster::ClusterError, wait::words_of_api};

/// A program did not run in a pod, or failed there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The test has no namespace.
    #[error("run {image}: a test with `access = \"read\"` has no namespace for a pod")]
    NoNamespace {
        /// The image.
        image: String,
    },
    /// The API.
    #[error("{action}: {}", words_of_api(answer))]
    Api {
        /// What was asked.
        action: String,
        /// What the API said.
        answer: Box<kube::Error>,
    },
    /// It never ran, or not to its end.
    #[error("run {image} as pod {pod}: {why}")]
    NotRun {
        /// The image.
        image: String,
        /// The pod.
        pod: String,
        /// What the cluster says.
        why: String,
    },
    /// It did not begin to run within the limit.
    #[error("run {image} as pod {pod}: it did not start within {limit:?}: {last}{}", listed(warnings))]
    Late {
        /// The image.
        image: String,
        /// The pod.
        pod: String,
        /// How long it had.
        limit: Duration,
        /// What was last seen of it.
        last: String,
        /// The cluster's warnings about it.
        warnings: Vec<String>,
    },
    /// It ran and failed.
    #[error("pod {pod} ended with exit code {exit_code}; it printed {}", quoted(log))]
    Failed {
        /// The pod.
        pod: String,
        /// The exit code.
        exit_code: i32,
        /// Everything that it printed.
        log: String,
    },
}

/// A command did not run in a container of a pod.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The test has no namespace.
    #[error("run a command in pod {pod}: a test with `access = \"read\"` has no namespace of its own")]
    NoNamespace {
        /// The pod.
        pod: String,
    },
    /// The command has variables.
    #[error("run a command in pod {pod}: a command there has its container's environment, expected no variables")]
    Environment {
        /// The pod.
        pod: String,
    },
    /// The API.
    #[error("look for pod {pod}: {}", words_of_api(answer))]
    Api {
        /// The pod.
        pod: String,
        /// What the API said.
        answer: Box<kube::Error>,
    },
    /// There is no container that runs.
    #[error("run a command in pod {pod}: {why}")]
    NotRunning {
        /// The pod.
        pod: String,
        /// What there is.
        why: String,
    },
    /// The command is not there, or cannot be run.
    #[error("run `{command}` in pod {pod}: {why}")]
    NotStarted {
        /// The pod.
        pod: String,
        /// The command.
        command: String,
        /// What containerd said.
        why: String,
    },
    /// The node.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

fn listed(warnings: &[String]) -> String {
    if warnings.is_empty() { String::new() } else { format!("; warnings: {}", warnings.join("; ")) }
}

/// The end of what was printed.
fn quoted(log: &str) -> String {
    const MOST: usize = 20;
    let lines: Vec<&str> = log.trim_end().lines().collect();
    match lines.len() {
        0 => "nothing".to_owned(),
        1..=MOST => format!("{:?}", lines.join("\n")),
        count => format!("{count} lines, the last {MOST} of which are {:?}", lines[count - MOST..].join("\n")),
    }
}
