//! The environment: every variable that the workspace looks at, what it means and its default.
//!
//! This is the only module that reads the environment. It does not act on what it reads.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

mod docker_client;
mod parse;

pub use docker_client::DockerClientError;
use parse::Reader;
pub use parse::SettingsError;

use crate::spec::{NetworkPools, Proxy};

/// What the environment asks for, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether a missing engine fails a test instead of skipping it.
    pub require: bool,
    /// Which clusters stay after a run, to be looked at.
    pub keep: Keep,
    /// Whether the next run uses this one's clusters.
    pub reuse: bool,
    /// After how long without use a cluster that outlives its run is removed.
    pub idle: Duration,
    /// The node image; `None` for the default one.
    pub image: Option<String>,
    /// The longest that a test may take; `None` for what the test itself says.
    pub timeout: Option<Duration>,
    /// Where clusters' states and locks are.
    pub state_dir: PathBuf,
    /// Where builds keep their results; `None` where there is no home either.
    pub cache_dir: Option<PathBuf>,
    /// Where the run's report is, and what failed tests leave.
    pub artifacts: PathBuf,
    /// Somebody else's cluster that the tests are to run on; `None` for clusters of our own.
    pub existing: Option<ExistingCluster>,
    /// How many control planes the cluster of the conformance suite has.
    pub conformance_control_planes: usize,
    /// The file that every conformance spec adds its result to; `None` for none.
    pub conformance_results: Option<PathBuf>,
    /// The engine's address; `None` for the usual socket.
    pub docker_host: Option<String>,
    /// The nextest run that this process is part of.
    pub run: Option<String>,
    /// The test that nextest runs in this process.
    pub test: Option<String>,
    /// Which try of that test this is, counted from 1.
    pub attempt: u32,
    /// The name of the command line's cluster; `None` for `kind`.
    pub cluster_name: Option<String>,
    /// The user's kubeconfig files, separated by colons; `None` for `~/.kube/config`.
    pub kubeconfig: Option<OsString>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Whether output has no colours.
    pub no_color: bool,
    /// The state folder that this process is to be the keeper of. Only the harness itself sets it.
    pub keeper: Option<PathBuf>,
    /// Where the ranges of clusters' networks come from.
    pub pools: NetworkPools,
    /// The proxies between this machine and the world, for nodes.
    pub proxy: Proxy,
    /// The records of the run that this process is to report. Only the harness itself sets it.
    pub reporter: Option<PathBuf>,
}

/// Which clusters stay after a run, to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// None.
    Never,
    /// Those on which a test failed.
    #[default]
    OnFailure,
    /// All.
    Always,
}

/// Which cluster of somebody else the tests are to run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExistingCluster {
    /// The current context of this file (`KIND_TEST_KUBECONFIG`).
    File(PathBuf),
    /// The current context of this file, which an argument names (`--kubeconfig`).
    Argument(PathBuf),
    /// The current context of the user's kubeconfig (`USE_EXISTING_CLUSTER`).
    OfTheUser,
}

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

/// Set by the harness for the keeper process alone.
pub(crate) const KEEPER: &str = "KIND_HARNESS_KEEPER";
/// Set by the harness for the reporter process alone.
pub(crate) const REPORTER: &str = "KIND_HARNESS_REPORTER";

/// Variables of nextest that are about one test, and that a keeper, which outlives the test, must not inherit.
pub(crate) const OF_ONE_TEST: [&str; 8] = [
    "NEXTEST",
    "NEXTEST_RUN_ID",
    "NEXTEST_EXECUTION_MODE",
    "NEXTEST_ATTEMPT",
    "NEXTEST_TEST_NAME",
    "NEXTEST_BINARY_ID",
    "NEXTEST_TEST_GROUP",
    "NEXTEST_ATTEMPT_ID",
];

/// Every variable, in the order in which a reader wants them.
pub const VARIABLES: [Variable; 34] = [
    Variable {
        name: "KIND_TEST_REQUIRE",
        meaning: "`1`: fail tests when no engine answers, instead of skipping them",
        default: "`0`",
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
        name: "KIND_TEST_IMAGE",
        meaning: "the node image, or a Kubernetes version whose image `kind-rs build node-image --version` made",
        default: "the image that `kind-rs build node-image` makes",
    },
    Variable {
        name: "KIND_TEST_TIMEOUT",
        meaning: "the longest that a test may take, such as `5m`",
        default: "what the test says",
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
    Variable { name: "CARGO_TARGET_DIR", meaning: "the target folder", default: "the one that the test binary is in" },
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
    Variable { name: "DOCKER_HOST", meaning: "the engine's address", default: "`unix:///var/run/docker.sock`" },
    Variable {
        name: "DOCKER_CONFIG",
        meaning: "the folder of the Docker client's configuration, whose proxies nodes get where no variable names any",
        default: "`$HOME/.docker`",
    },
    Variable { name: "HTTP_PROXY", meaning: "the proxy for `http`; nodes get it, too", default: "none" },
    Variable { name: "http_proxy", meaning: "the same", default: "none" },
    Variable { name: "HTTPS_PROXY", meaning: "the proxy for `https`; nodes get it, too", default: "none" },
    Variable { name: "https_proxy", meaning: "the same", default: "none" },
    Variable {
        name: "NO_PROXY",
        meaning: "what is reached without a proxy; for nodes also the cluster's own networks and names",
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
    Variable { name: "RUST_LOG", meaning: "what is logged, as `tracing_subscriber` reads it", default: "warnings" },
    Variable { name: KEEPER, meaning: "set by the harness: this process is a cluster's keeper", default: "none" },
    Variable { name: REPORTER, meaning: "set by the harness: this process writes a run's report", default: "none" },
];

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable has a value that it cannot have.
    pub fn from_environment() -> Result<Self, SettingsError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        let lookup = |name: &str| std::env::var_os(name);
        Self::parse(&lookup, std::env::current_exe().ok().as_deref())
    }

    /// What these variables ask for, in the process of this program.
    fn parse(lookup: &dyn Fn(&str) -> Option<OsString>, program: Option<&Path>) -> Result<Self, SettingsError> {
        let read = Reader(lookup);
        let home = read.path("HOME");
        let state_dir = read
            .path("KIND_TEST_STATE_DIR")
            .or_else(|| Some(read.path("XDG_STATE_HOME").filter(|path| path.is_absolute())?.join("kind-rs")))
            .or_else(|| Some(home.as_deref()?.join(".local/state/kind-rs")))
            .ok_or(SettingsError::NoHome)?;
        let cache_dir = read
            .path("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| Some(home.as_deref()?.join(".cache")))
            .map(|cache| cache.join("kind-rs"));
        let of_variables = Proxy {
            http: read.either("HTTP_PROXY", "http_proxy")?,
            https: read.either("HTTPS_PROXY", "https_proxy")?,
            exceptions: read.either("NO_PROXY", "no_proxy")?,
        };
        let docker_client = read.path("DOCKER_CONFIG").or_else(|| Some(home.as_deref()?.join(".docker")));
        let proxy = match docker_client {
            Some(folder) if of_variables.is_none() => docker_client::proxy(&folder)
                .map_err(|source| SettingsError::DockerClient { folder, source: Arc::new(source) })?,
            _ => of_variables,
        };
        let file = read.path("KIND_TEST_KUBECONFIG").map(ExistingCluster::File);
        let of_the_user = read.switch("USE_EXISTING_CLUSTER")?.then_some(ExistingCluster::OfTheUser);
        Ok(Self {
            require: read.switch("KIND_TEST_REQUIRE")?,
            keep: read.keep("KIND_TEST_KEEP")?,
            reuse: read.switch("KIND_TEST_REUSE")?,
            idle: read.duration("KIND_TEST_IDLE")?.unwrap_or(Duration::from_secs(30 * 60)),
            image: read.image("KIND_TEST_IMAGE")?,
            timeout: read.duration("KIND_TEST_TIMEOUT")?,
            state_dir: std::path::absolute(&state_dir).unwrap_or(state_dir),
            cache_dir,
            artifacts: read.path("ARTIFACTS").unwrap_or_else(|| target_dir(&read, program).join("kind")),
            existing: file.or(of_the_user),
            conformance_control_planes: read
                .number("KIND_CONFORMANCE_CONTROL_PLANES")?
                .map_or(3, |count| usize::try_from(count).unwrap_or(usize::MAX)),
            conformance_results: read.path("KIND_CONFORMANCE_RESULTS"),
            docker_host: read.text("DOCKER_HOST")?,
            run: read.text("NEXTEST_RUN_ID")?,
            test: read.text("NEXTEST_TEST_NAME")?,
            attempt: read.number("NEXTEST_ATTEMPT")?.unwrap_or(1),
            cluster_name: read.text("KIND_CLUSTER_NAME")?,
            kubeconfig: read.raw("KUBECONFIG"),
            home,
            no_color: read.raw("NO_COLOR").is_some(),
            pools: read.pools("KIND_TEST_NETWORKS")?,
            proxy,
            keeper: read.path(KEEPER),
            reporter: read.path(REPORTER),
        })
    }
}

/// Cargo's target folder: as it is told, or the one that holds the running test binary.
fn target_dir(read: &Reader<'_>, program: Option<&Path>) -> PathBuf {
    let of_program = || {
        let folder = program?.ancestors().find(|path| path.file_name().is_some_and(|name| name == "target"))?;
        Some(folder.to_owned())
    };
    read.path("CARGO_TARGET_DIR").or_else(of_program).unwrap_or_else(|| PathBuf::from("target"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let program = Path::new("/src/app/target/debug/deps/smoke-0123");
        Settings::parse(&|name| variables.get(name).map(OsString::from), Some(program))
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let settings = parse(&[("HOME", "/home/a")]).unwrap();
        assert_eq!(settings.keep, Keep::OnFailure);
        assert_eq!(settings.idle, Duration::from_secs(1800));
        assert_eq!(settings.state_dir, Path::new("/home/a/.local/state/kind-rs"));
        assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/home/a/.cache/kind-rs")));
        assert_eq!(settings.artifacts, Path::new("/src/app/target/kind"));
        assert_eq!(settings.attempt, 1);
        assert!(!settings.require && !settings.reuse && !settings.no_color);
        assert_eq!((settings.run, settings.image, settings.keeper), (None, None, None));
    }

    #[test]
    fn proxies_are_taken_in_either_case_and_else_from_the_docker_client() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"proxies":{"default":{"httpProxy":"http://of-docker"}}}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let docker = folder.path().to_str().unwrap();
        let proxy = |variables: &[(&str, &str)]| {
            parse(&[&[("HOME", "/nonexistent"), ("DOCKER_CONFIG", docker)], variables].concat()).unwrap().proxy
        };
        let found = proxy(&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b"), ("no_proxy", "c")]);
        let expected = Proxy { http: None, https: Some("http://a".to_owned()), exceptions: Some("c".to_owned()) };
        assert_eq!(found, expected);
        assert_eq!(proxy(&[("no_proxy", "c")]).http.as_deref(), Some("http://of-docker"));
    }

    #[test]
    fn a_value_is_taken_and_an_empty_one_is_none() {
        let settings = parse(&[
            ("HOME", "/home/a"),
            ("XDG_STATE_HOME", "/state"),
            ("XDG_CACHE_HOME", "/cache"),
            ("KIND_TEST_KEEP", "always"),
            ("KIND_TEST_REUSE", "1"),
            ("KIND_TEST_IDLE", "1h30m"),
            ("KIND_TEST_IMAGE", ""),
            ("NEXTEST_ATTEMPT", "3"),
            ("ARTIFACTS", "/out"),
        ])
        .unwrap();
        assert_eq!((settings.keep, settings.reuse, settings.attempt), (Keep::Always, true, 3));
        assert_eq!(settings.idle, Duration::from_secs(5400));
        assert_eq!(settings.image, None);
        assert_eq!(settings.state_dir, Path::new("/state/kind-rs"));
        assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/cache/kind-rs")));
        assert_eq!(settings.artifacts, Path::new("/out"));
    }

    #[test]
    fn a_cluster_of_somebody_else_is_asked_for_in_two_ways() {
        let existing = |variables: &[(&str, &str)]| {
            parse(&[&[("HOME", "/home/a")], variables].concat()).map(|settings| settings.existing)
        };
        assert_eq!(existing(&[]).unwrap(), None);
        assert_eq!(existing(&[("USE_EXISTING_CLUSTER", "False"), ("KIND_TEST_KUBECONFIG", "")]).unwrap(), None);
        // controller-runtime's envtest takes any case.
        assert_eq!(existing(&[("USE_EXISTING_CLUSTER", "TRUE")]).unwrap(), Some(ExistingCluster::OfTheUser));
        let both = existing(&[("USE_EXISTING_CLUSTER", "1"), ("KIND_TEST_KUBECONFIG", "/k")]).unwrap();
        assert_eq!(both, Some(ExistingCluster::File(PathBuf::from("/k"))));
        assert!(existing(&[("USE_EXISTING_CLUSTER", "maybe")]).is_err());
    }

    #[test]
    fn no_home_says_what_to_set() {
        assert!(parse(&[]).unwrap_err().to_string().contains("KIND_TEST_STATE_DIR"));
    }

    /// The table is what the README shows; it must not forget a variable.
    #[test]
    fn the_table_has_every_variable_that_is_read() {
        let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let lookup = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            (name == "HOME").then(|| OsString::from("/home/a"))
        };
        Settings::parse(&lookup, None).unwrap();
        // The subscriber reads its own.
        read.borrow_mut().insert("RUST_LOG".to_owned());
        let table: std::collections::BTreeSet<String> = VARIABLES.iter().map(|v| v.name.to_owned()).collect();
        assert_eq!(read.into_inner(), table);
    }
}
