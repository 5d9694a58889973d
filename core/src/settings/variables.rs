//! The table of variables, as the README shows it. What a value means is read in [`super::Settings`].

use super::{KEEPER, REPORTER};

/// A variable that the workspace looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What holds without it.
    pub default: &'static str,
}

/// Every variable, in the order in which a reader wants them.
pub const VARIABLES: [Variable; 46] = [
    Variable {
        name: "KIND_TEST_REQUIRE",
        meaning: "`1`: fail tests on a machine without an engine, instead of skipping them; an engine that is there, or named, and cannot be used fails them anyway",
        default: "`1` where `CI` is set, else `0`",
    },
    Variable {
        name: "CI",
        meaning: "set by CI systems: `KIND_TEST_REQUIRE` is `1` where nothing else is said",
        default: "none",
    },
    Variable {
        name: "GITHUB_ACTIONS",
        meaning: "set by GitHub: a failed test prints the line that annotates it on the page of the run",
        default: "none",
    },
    Variable {
        name: "JENKINS_URL",
        meaning: "set by Jenkins: a failed test prints the line by which its plugin JUnit Attachments keeps the summary",
        default: "none",
    },
    Variable {
        name: "KIND_TEST_KEEP",
        meaning: "which clusters and namespaces stay after the run: `never`, `on-failure` or `always`",
        default: "`on-failure`",
    },
    Variable { name: "KIND_TEST_REUSE", meaning: "`1`: the next run uses this one's clusters", default: "`0`" },
    Variable {
        name: "KIND_TEST_IDLE",
        meaning: "after how long without use a kept or reusable cluster is removed, such as `45m`",
        default: "`30m`",
    },
    Variable {
        name: "KIND_TEST_PAUSE",
        meaning: "after how long without use a cluster stops using processors until somebody uses it again, such as `5m`, or `never`",
        default: "`30s`",
    },
    Variable {
        name: "KIND_TEST_IMAGE",
        meaning: "the node image, or a Kubernetes version whose image `kind-rs build node-image --version` made",
        default: "the image that `kind-rs build node-image` makes, where the engine has it; else kind's own, pulled",
    },
    Variable {
        name: "KIND_TEST_LOAD_BALANCER_IMAGE",
        meaning: "the image of the load balancer in front of several control planes: one with `nginx` and `bash`, as upstream's",
        default: "the node image or `kind-rs build base-image`'s, where one of them can balance; else upstream's nginx, pulled",
    },
    Variable {
        name: "KIND_TEST_TIMEOUT",
        meaning: "the longest that a test's body may take, such as `5m`",
        default: "what the test says",
    },
    Variable {
        name: "KIND_TEST_WAIT",
        meaning: "the longest that a test waits for its cluster, which others may have for themselves",
        default: "`2h`",
    },
    Variable {
        name: "KIND_TEST_KUBECONFIG",
        meaning: "a kubeconfig: run the tests on its current context's cluster and make none",
        default: "clusters of our own",
    },
    Variable {
        name: "USE_EXISTING_CLUSTER",
        meaning: "`true`: as `KIND_TEST_KUBECONFIG`, with the user's kubeconfig",
        default: "`false`",
    },
    Variable {
        name: "KIND_TEST_NETWORKS",
        meaning: "where clusters' networks get their ranges of addresses from, such as `10.50.0.0/16`, several separated by commas; `engine`: from the engine's own pools",
        default: "`198.18.0.0/16`, then two private ones",
    },
    Variable {
        name: "KIND_TEST_STATE_DIR",
        meaning: "where clusters' states and locks are",
        default: "`$XDG_STATE_HOME/kind-rs`",
    },
    Variable { name: "XDG_STATE_HOME", meaning: "the user's folder for states", default: "`$HOME/.local/state`" },
    Variable { name: "XDG_CACHE_HOME", meaning: "the user's folder for caches", default: "`$HOME/.cache`" },
    Variable {
        name: "ARTIFACTS",
        meaning: "where the run's report is, and what failed tests leave",
        default: "`kind` in the target folder",
    },
    Variable {
        name: "CARGO_TARGET_DIR",
        meaning: "the target folder, where this is no test binary in one",
        default: "`target`",
    },
    Variable {
        name: "KIND_CONFORMANCE_CONTROL_PLANES",
        meaning: "how many control planes the cluster of the conformance suite has",
        default: "`3`",
    },
    Variable {
        name: "KIND_CONFORMANCE_RESULTS",
        meaning: "the file that every conformance spec adds its result to",
        default: "none",
    },
    Variable {
        name: "DOCKER_HOST",
        meaning: "the engine's address: `unix://`, `tcp://` or `ssh://`",
        default: "the Docker context's, else the socket at which Docker or podman listens",
    },
    Variable {
        name: "DOCKER_CONTEXT",
        meaning: "the Docker context whose engine is used",
        default: "the one that `docker context use` chose",
    },
    Variable {
        name: "DOCKER_TLS_VERIFY",
        meaning: "anything: the engine at `DOCKER_HOST` speaks TLS",
        default: "no TLS",
    },
    Variable { name: "DOCKER_TLS", meaning: "TLS without a check of who answers, which is refused", default: "no TLS" },
    Variable {
        name: "DOCKER_CERT_PATH",
        meaning: "the folder of `ca.pem`, `cert.pem` and `key.pem` for TLS",
        default: "`$DOCKER_CONFIG`",
    },
    Variable {
        name: "CONTAINER_HOST",
        meaning: "podman's address, where no variable or context of Docker's names an engine",
        default: "none",
    },
    Variable { name: "XDG_RUNTIME_DIR", meaning: "where engines of ordinary users listen", default: "none" },
    Variable {
        name: "DOCKER_CONFIG",
        meaning: "the folder of the Docker client's configuration: its contexts, its proxies, which nodes get where no variable \
                  names any, and its credentials, which pulls use",
        default: "`$HOME/.docker`",
    },
    Variable { name: "HTTP_PROXY", meaning: "the proxy for `http`; nodes get it, too", default: "none" },
    Variable { name: "http_proxy", meaning: "the same", default: "none" },
    Variable { name: "HTTPS_PROXY", meaning: "the proxy for `https`; nodes get it, too", default: "none" },
    Variable { name: "https_proxy", meaning: "the same", default: "none" },
    Variable {
        name: "NO_PROXY",
        meaning: "what is reached without a proxy; for nodes also the cluster's networks, names and gateway",
        default: "none",
    },
    Variable { name: "no_proxy", meaning: "the same", default: "none" },
    Variable { name: "KIND_CLUSTER_NAME", meaning: "the cluster that the command line is about", default: "`kind`" },
    Variable {
        name: "KUBECONFIG",
        meaning: "the user's kubeconfig; the command line writes to it",
        default: "`$HOME/.kube/config`",
    },
    Variable { name: "HOME", meaning: "the user's home", default: "none" },
    Variable { name: "NO_COLOR", meaning: "anything: no colours", default: "colours on a terminal" },
    Variable {
        name: "NEXTEST_RUN_ID",
        meaning: "set by nextest: the run, whose processes share clusters",
        default: "none",
    },
    Variable { name: "NEXTEST_TEST_NAME", meaning: "set by nextest: the test", default: "none" },
    Variable { name: "NEXTEST_ATTEMPT", meaning: "set by nextest: which try of the test this is", default: "`1`" },
    Variable {
        name: "RUST_LOG",
        meaning: "what keepers and reporters log of the harness' own doings, as `tracing_subscriber` reads it; in tests, the subscriber that they install decides",
        default: "`warn`",
    },
    Variable { name: KEEPER, meaning: "set by the harness: this process is a cluster's keeper", default: "none" },
    Variable { name: REPORTER, meaning: "set by the harness: this process writes a run's report", default: "none" },
];
