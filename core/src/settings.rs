//! The environment: every variable that the workspace looks at, what it means and its default.
//!
//! This is the only module that reads the environment. It does not act on what it reads. Files that variables name are
//! read by who needs them ([`DockerClient`]).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use kind_engine::{EngineAddress, EngineChoice};

mod docker_client;
mod folders;
mod parse;
mod variables;

pub use docker_client::DockerClient;
use folders::Account;
use parse::Reader;
pub use parse::SettingsError;
pub use variables::{VARIABLES, Variable};

use crate::spec::{NetworkPools, Proxy};

/// A CI system that reads lines of its own in what tests print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub, with annotations.
    GitHub,
    /// Jenkins, with attachments.
    Jenkins,
}

/// What the environment asks for, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Whether a missing engine fails a test instead of skipping it.
    pub require: bool,
    /// The system whose lines failed tests print; `None` for none of those that have some.
    pub ci: Option<Ci>,
    /// Which clusters stay after a run, to be looked at.
    pub keep: Keep,
    /// Whether the next run uses this one's clusters.
    pub reuse: bool,
    /// After how long without use a cluster that outlives its run is removed.
    pub idle: Duration,
    /// After how long without use a test's cluster is paused; `None` for never.
    pub pause: Option<Duration>,
    /// The node image; `None` for the default one.
    pub image: Option<String>,
    /// The image that balances the load of several control planes; `None` for the default one.
    pub load_balancer_image: Option<String>,
    /// The longest that a test's body may take; `None` for what the test itself says.
    pub timeout: Option<Duration>,
    /// The longest that a test waits for its cluster.
    pub wait: Duration,
    /// Where clusters' states and locks are; `None` where nothing says where the user's files are.
    pub state_dir: Option<PathBuf>,
    /// Where builds keep their results; `None` where there is no home either.
    pub cache_dir: Option<PathBuf>,
    /// Where the run's report is, and what failed tests leave.
    pub artifacts: PathBuf,
    /// Where images are kept that tests make of programs.
    pub images: PathBuf,
    /// What `artifacts` is, where `ARTIFACTS` says it.
    pub named_artifacts: Option<PathBuf>,
    /// Somebody else's cluster that the tests are to run on; `None` for clusters of our own.
    pub existing: Option<ExistingCluster>,
    /// How many control planes the cluster of the conformance suite has.
    pub conformance_control_planes: usize,
    /// The file that every conformance spec adds its result to; `None` for none.
    pub conformance_results: Option<PathBuf>,
    /// What says where the engine is.
    pub engine: EngineChoice,
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
    /// Where the ranges of clusters' networks come from.
    pub pools: NetworkPools,
    /// What is logged, as `tracing_subscriber` reads it; `None` for warnings.
    pub log: Option<String>,
    /// The proxies between this machine and the world, as variables name them.
    pub proxy_variables: Proxy,
    /// The Docker client's configuration.
    pub docker_client: DockerClient,
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

/// Set by the harness for the keeper process alone.
pub const KEEPER: &str = "KIND_HARNESS_KEEPER";
/// Set by the harness for the reporter process alone.
pub const REPORTER: &str = "KIND_HARNESS_REPORTER";

/// What the harness started this process for, where that is not to run the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To be the keeper of the cluster with this state folder.
    Keeper(PathBuf),
    /// To report the run whose records are in this folder.
    Reporter(PathBuf),
}

/// Variables of one test or of one job, which a process that outlives it must not inherit: nextest's, and those by which
/// CI runners find the processes that they kill when a job ends.
pub(crate) const OF_ONE_TEST: [&str; 15] = [
    "RUNNER_TRACKING_ID",
    "BUILD_ID",
    "JENKINS_NODE_COOKIE",
    "JENKINS_SERVER_COOKIE",
    "HUDSON_COOKIE",
    "HUDSON_SERVER_COOKIE",
    "VSTS_PROCESS_LOOKUP_ID",
    "NEXTEST",
    "NEXTEST_RUN_ID",
    "NEXTEST_EXECUTION_MODE",
    "NEXTEST_ATTEMPT",
    "NEXTEST_TEST_NAME",
    "NEXTEST_BINARY_ID",
    "NEXTEST_TEST_GROUP",
    "NEXTEST_ATTEMPT_ID",
];

/// What the harness started this process for; `None` for a process that it did not start.
pub fn purpose() -> Option<Purpose> {
    Purpose::parse(&variable)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl Purpose {
    fn parse(lookup: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let read = Reader(lookup);
        let (keeper, reporter) = (read.path(KEEPER), read.path(REPORTER));
        keeper.map(Self::Keeper).or(reporter.map(Self::Reporter))
    }
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable has a value that it cannot have.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::parse(&variable, std::env::current_exe().ok().as_deref(), &Account::current())
    }

    /// Where clusters' states and locks are, for what cannot do without.
    ///
    /// # Errors
    /// When nothing says where.
    pub fn state_dir(&self) -> Result<&Path, SettingsError> {
        self.state_dir.as_deref().ok_or(SettingsError::NoHome)
    }

    /// The proxies that nodes of this engine are told of: those of the variables, else those of the Docker client's configuration.
    /// Only for who makes a cluster: what is wrong with that file is a warning here.
    pub fn proxy(&self, engine: &EngineAddress) -> Proxy {
        if !self.proxy_variables.is_none() {
            return self.proxy_variables.clone();
        }
        self.docker_client.proxy(&engine.host)
    }

    /// What these variables ask for, in the process of this program.
    fn parse(
        lookup: &dyn Fn(&str) -> Option<OsString>,
        program: Option<&Path>,
        account: &Account,
    ) -> Result<Self, SettingsError> {
        let read = Reader(lookup);
        let home = read.path("HOME");
        let docker_client = read.path("DOCKER_CONFIG").or_else(|| Some(home.as_deref()?.join(".docker")));
        let named_artifacts = read.path("ARTIFACTS");
        let file = read.path("KIND_TEST_KUBECONFIG").map(ExistingCluster::File);
        let of_the_user = read.switch("USE_EXISTING_CLUSTER")?.then_some(ExistingCluster::OfTheUser);
        Ok(Self {
            require: read.choice("KIND_TEST_REQUIRE")?.unwrap_or_else(|| read.is_set("CI")),
            ci: [("GITHUB_ACTIONS", Ci::GitHub), ("JENKINS_URL", Ci::Jenkins)]
                .into_iter()
                .find_map(|(name, ci)| read.is_set(name).then_some(ci)),
            keep: read.keep("KIND_TEST_KEEP")?,
            reuse: read.switch("KIND_TEST_REUSE")?,
            idle: read.duration("KIND_TEST_IDLE")?.unwrap_or(Duration::from_secs(30 * 60)),
            pause: read.duration_or_never("KIND_TEST_PAUSE", Duration::from_secs(30))?,
            image: read.image("KIND_TEST_IMAGE")?,
            load_balancer_image: read.text("KIND_TEST_LOAD_BALANCER_IMAGE")?,
            timeout: read.duration("KIND_TEST_TIMEOUT")?,
            wait: read.duration("KIND_TEST_WAIT")?.unwrap_or(Duration::from_secs(2 * 60 * 60)),
            state_dir: folders::state(&read, home.as_deref(), account),
            cache_dir: folders::cache(&read, home.as_deref(), account),
            artifacts: named_artifacts.clone().unwrap_or_else(|| folders::target(&read, program).join("kind")),
            images: folders::target(&read, program).join("kind/images"),
            named_artifacts,
            existing: file.or(of_the_user),
            conformance_control_planes: read
                .number("KIND_CONFORMANCE_CONTROL_PLANES")?
                .map_or(3, |count| usize::try_from(count).unwrap_or(usize::MAX)),
            conformance_results: read.path("KIND_CONFORMANCE_RESULTS"),
            engine: EngineChoice::from_variables(lookup),
            run: read.text("NEXTEST_RUN_ID")?,
            test: read.text("NEXTEST_TEST_NAME")?,
            attempt: read.number("NEXTEST_ATTEMPT")?.unwrap_or(1),
            cluster_name: read.text("KIND_CLUSTER_NAME")?,
            kubeconfig: read.raw("KUBECONFIG"),
            home,
            no_color: read.raw("NO_COLOR").is_some(),
            pools: read.pools("KIND_TEST_NETWORKS")?,
            log: read.raw("RUST_LOG").map(|value| value.to_string_lossy().into_owned()),
            proxy_variables: Proxy {
                http: read.either("HTTP_PROXY", "http_proxy")?,
                https: read.either("HTTPS_PROXY", "https_proxy")?,
                exceptions: read.either("NO_PROXY", "no_proxy")?,
            },
            docker_client: DockerClient::at(docker_client),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let program = Path::new("/src/app/target/debug/deps/smoke-0123");
        Settings::parse(&|name| variables.get(name).map(OsString::from), Some(program), &Account::current())
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let settings = parse(&[("HOME", "/home/a")]).unwrap();
        assert_eq!(settings.keep, Keep::OnFailure);
        assert_eq!((settings.idle, settings.pause), (Duration::from_secs(1800), Some(Duration::from_secs(30))));
        assert_eq!(settings.state_dir().unwrap(), Path::new("/home/a/.local/state/kind-rs"));
        assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/home/a/.cache/kind-rs")));
        assert_eq!(settings.artifacts, Path::new("/src/app/target/kind"));
        assert_eq!(settings.attempt, 1);
        assert!(!settings.require && !settings.reuse && !settings.no_color);
        assert_eq!((settings.run, settings.image), (None, None));
    }

    #[test]
    fn proxies_are_taken_in_either_case_and_else_from_the_docker_client() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"proxies":{"default":{"httpProxy":"http://of-docker"}}}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let docker = folder.path().to_str().unwrap();
        let proxy = |variables: &[(&str, &str)]| {
            let settings =
                parse(&[&[("HOME", "/nonexistent"), ("DOCKER_CONFIG", docker)], variables].concat()).unwrap();
            settings.proxy(&settings.engine.address().unwrap())
        };
        let found = proxy(&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b"), ("no_proxy", "c")]);
        let expected = Proxy { http: None, https: Some("http://a".to_owned()), exceptions: Some("c".to_owned()) };
        assert_eq!(found, expected);
        assert_eq!(proxy(&[("no_proxy", "c"), ("HTTPS_PROXY", " ")]).http.as_deref(), Some("http://of-docker"));
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
            ("KIND_TEST_PAUSE", "never"),
            ("KIND_TEST_IMAGE", ""),
            ("NEXTEST_ATTEMPT", "3"),
            ("ARTIFACTS", "/out"),
        ])
        .unwrap();
        assert_eq!((settings.keep, settings.reuse, settings.attempt), (Keep::Always, true, 3));
        assert_eq!((settings.idle, settings.pause), (Duration::from_secs(5400), None));
        assert_eq!(settings.image, None);
        assert_eq!(settings.state_dir().unwrap(), Path::new("/state/kind-rs"));
        assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/cache/kind-rs")));
        assert_eq!(
            (&*settings.artifacts, &*settings.images),
            (Path::new("/out"), Path::new("/src/app/target/kind/images"))
        );
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
    fn on_ci_an_engine_is_required_unless_that_is_denied() {
        let require =
            |variables: &[(&str, &str)]| parse(&[&[("HOME", "/home/a")], variables].concat()).unwrap().require;
        for ci in ["true", "1", "TRUE", "yes", "woodpecker"] {
            assert!(require(&[("CI", ci)]), "{ci}");
            assert!(!require(&[("CI", ci), ("KIND_TEST_REQUIRE", "0")]), "{ci}");
        }
        for ci in ["", "0", "false", "False", "no"] {
            assert!(!require(&[("CI", ci)]), "{ci}");
            assert!(require(&[("CI", ci), ("KIND_TEST_REQUIRE", "1")]), "{ci}");
        }
    }

    #[test]
    fn the_ci_system_is_known_by_its_own_variable() {
        let ci = |variables: &[(&str, &str)]| parse(&[&[("HOME", "/home/a")], variables].concat()).unwrap().ci;
        assert_eq!(ci(&[("CI", "true")]), None);
        assert_eq!(ci(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]), Some(Ci::GitHub));
        assert_eq!(ci(&[("JENKINS_URL", "https://ci.example.org/")]), Some(Ci::Jenkins));
        assert_eq!(ci(&[("GITHUB_ACTIONS", "false")]), None);
    }

    #[test]
    fn no_home_matters_only_where_it_is_needed_and_says_what_to_set() {
        let settings = Settings { state_dir: None, ..parse(&[]).unwrap() };
        assert!(settings.state_dir().unwrap_err().to_string().contains("KIND_TEST_STATE_DIR"));
    }

    /// The table is what the README shows; it must not forget a variable.
    #[test]
    fn the_table_has_every_variable_that_is_read() {
        let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let lookup = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            (name == "HOME").then(|| OsString::from("/home/a"))
        };
        Settings::parse(&lookup, None, &Account::current()).unwrap();
        assert_eq!(Purpose::parse(&lookup), None);
        let table: std::collections::BTreeSet<String> = VARIABLES.iter().map(|v| v.name.to_owned()).collect();
        assert_eq!(read.into_inner(), table);
    }
}
