//! What commands share: the console, the environment, the engine, the cluster's name.

use std::{io::Write, path::Path, sync::Arc};

use kind_engine::{DockerEngine, Engine};
use kind_harness::{ClusterName, kubeconfig::KubeconfigFiles, settings::Settings};

use crate::{args, console::Console, failure::Failure};

/// One run of the program.
pub(crate) struct Session<'a> {
    pub(crate) console: &'a Console,
}

impl<'a> Session<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self { console }
    }

    /// The environment.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::from_environment()?)
    }

    /// The engine, asked once whether it is there.
    pub(crate) async fn engine(&self, settings: &Settings) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(DockerEngine::connect(settings.docker_host.as_deref()).await?))
    }

    /// The cluster's name: from the flag, else the environment, else the configuration, else `kind`.
    pub(crate) fn cluster_name(
        &self,
        flag: Option<ClusterName>,
        settings: &Settings,
        configured: Option<String>,
    ) -> Result<ClusterName, Failure> {
        if let Some(name) = flag {
            return Ok(name);
        }
        let (origin, name) = match (settings.cluster_name.clone(), configured) {
            (Some(name), _) => ("environment variable KIND_CLUSTER_NAME", name),
            (None, Some(name)) => ("name of the configuration", name),
            (None, None) => ("the default name", "kind".to_owned()),
        };
        ClusterName::new(name).map_err(|source| Failure::Name { origin, source })
    }

    /// The user's kubeconfig.
    pub(crate) fn kubeconfig(&self, flag: &args::Kubeconfig, settings: &Settings) -> Result<KubeconfigFiles, Failure> {
        let home = settings.home.as_deref();
        Ok(KubeconfigFiles::new(flag.kubeconfig.as_deref(), settings.kubeconfig.as_deref(), home)?)
    }

    /// Prints a result on standard output, and nothing else ever goes there.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        let ending = if text.ends_with('\n') { "" } else { "\n" };
        match write!(stdout, "{text}{ending}").and_then(|()| stdout.flush()) {
            // The reader has seen enough, as in `kind-rs get clusters | head -1`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome.map_err(Failure::Output),
        }
    }
}

/// A path for people: as it is, but for the home folder.
pub(crate) fn shown(path: &Path, settings: &Settings) -> String {
    let below_home = settings.home.as_deref().and_then(|home| path.strip_prefix(home).ok());
    below_home.map_or_else(|| path.display().to_string(), |rest| format!("~/{}", rest.display()))
}
