//! A ginkgo suite whose specs are shown as tests: its program, what it is told, and the cluster that it wants. Kubernetes'
//! own conformance suite is one of them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kind_core::{settings::Settings, spec::ClusterSpec};
use kind_images::{Release, conformance::ConformanceSuite, node_image_reference};

use crate::test_images::TestImages;

/// Upstream has a spec that wants two nodes which take pods, and no use for more.
const WORKERS: usize = 2;
/// How long a spec may take where nobody says. Upstream's longest needs about two minutes on an idle machine with two
/// processors.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// As [`LIMIT`], for specs that upstream calls slow; one waits for five minutes.
const SLOW_LIMIT: Duration = Duration::from_secs(25 * 60);
/// What tells upstream's suite how many nodes take pods.
const NUM_NODES: &str = "--num-nodes=";

/// A ginkgo suite, as `go test -c` builds it, and the cluster that its specs want.
///
/// Its specs become tests by a test target without cargo's own harness (`harness = false`), whose `main` is this:
///
/// ```no_run
/// use kind_conformance::Suite;
/// use kind_harness::ClusterSpec;
///
/// const SPECS: &str = "operator::installs\toperator installs\noperator::serial::upgrades\toperator upgrades\n";
///
/// fn main() -> std::process::ExitCode {
///     let suite = Suite::new("target/operator.test").shape(ClusterSpec::default().workers(2));
///     suite.argument("--operator-image=operator:dev").main(SPECS)
/// }
/// ```
///
/// [`list()`](crate::list) writes that list from the program. Each spec runs in a process of its own, which has
/// `KUBECONFIG` in its environment. A spec with the label `Serial` has the cluster for itself (beside the
/// decorator of that name, of which ginkgo's reports do not tell). A report entry called
/// `namespace` names the namespace that a failed spec used: the harness looks at it, and deletes it where nothing is kept.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Its program.
    pub(crate) program: PathBuf,
    /// What it is told beside what ginkgo is.
    pub(crate) arguments: Vec<String>,
    /// The cluster.
    pub(crate) shape: ClusterSpec,
    /// How long one spec may take.
    pub(crate) limit: Duration,
    /// The same for one that says that it is slow.
    pub(crate) slow_limit: Duration,
}

impl Suite {
    /// A suite on a cluster of the default shape, with 15 minutes for each spec. The program may be built later; it is
    /// looked at when a spec runs.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let (program, shape) = (program.into(), ClusterSpec::default());
        Self { program, arguments: Vec::new(), shape, limit: LIMIT, slow_limit: LIMIT }
    }

    /// The cluster that its specs share.
    #[must_use]
    pub fn shape(self, shape: ClusterSpec) -> Self {
        Self { shape, ..self }
    }

    /// A further argument. `{kubeconfig}` in it becomes the path of the cluster's kubeconfig, and `{folder}` that of a
    /// folder which is removed after the spec.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// How long one spec may take. `KIND_TEST_TIMEOUT` goes before it.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, slow_limit: limit, ..self }
    }

    /// Kubernetes' own conformance suite, on a cluster that it is made for.
    pub(crate) fn conformance(
        settings: &Settings,
        release: &Release,
        built: &ConformanceSuite,
        images: TestImages,
    ) -> Self {
        let node = match images {
            TestImages::Ours => built.image.clone(),
            TestImages::Upstream => node_image_reference(release),
        };
        let shape = ClusterSpec::default().control_planes(settings.conformance_control_planes).workers(WORKERS);
        let suite = Self::new(&built.e2e_test)
            .shape(shape.image(node))
            .argument("--kubeconfig={kubeconfig}")
            .argument(format!("--kubectl-path={}", built.kubectl.display()))
            .argument("--provider=skeleton")
            .argument("--e2e-output-dir={folder}")
            .argument("--disable-log-dump=true")
            // Whoever looks at the failure deletes it.
            .argument("--delete-namespace-on-failure=false")
            .workers(WORKERS);
        Self { slow_limit: SLOW_LIMIT, ..suite }
    }

    /// Tells upstream's suite how many nodes take pods.
    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.arguments.retain(|argument| !argument.starts_with(NUM_NODES));
        self.argument(format!("{NUM_NODES}{workers}"))
    }

    /// The arguments, with these paths in them.
    pub(crate) fn filled_in(&self, kubeconfig: &Path, folder: &Path) -> impl Iterator<Item = String> {
        let places =
            [("{kubeconfig}", kubeconfig), ("{folder}", folder)].map(|(name, path)| (name, path.display().to_string()));
        let fill = move |argument: &String| {
            places.iter().fold(argument.clone(), |text, (name, path)| text.replace(name, path))
        };
        self.arguments.iter().map(fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_suite_is_told_one_number_of_nodes() {
        let suite = Suite::new("e2e.test").workers(2).argument("--other").workers(5);
        assert_eq!(suite.arguments, ["--other", "--num-nodes=5"]);
    }
}
