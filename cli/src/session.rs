//! What commands share: the console, the environment, the engine, the cluster's name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kind_core::{
    kubeconfig::{KubeconfigError, KubeconfigFiles},
    settings::Settings,
    spec::ClusterName,
};
use kind_engine::{DockerEngine, Engine, EngineError};

use crate::{
    args::{self, given_ref},
    console::Console,
    failure::Failure,
};

/// One run of the program.
pub(crate) struct Session<'a> {
    pub(crate) console: &'a Console,
    pub(crate) settings: Settings,
}

impl<'a> Session<'a> {
    /// Reads the environment.
    pub(crate) fn open(console: &'a Console) -> Result<Self, Failure> {
        Ok(Self { console, settings: Settings::from_environment()? })
    }

    /// The engine, asked once whether it is there.
    pub(crate) async fn engine(&self) -> Result<Arc<dyn Engine>, Failure> {
        Ok(self.connect().await?)
    }

    /// As [`Session::engine`], for who goes on without one.
    pub(crate) async fn connect(&self) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(DockerEngine::find(&self.settings.engine).await?))
    }

    /// The cluster's name: from the flag, else the environment, else the configuration, else `kind`.
    pub(crate) fn cluster_name(
        &self,
        flag: Option<ClusterName>,
        configured: Option<String>,
    ) -> Result<ClusterName, Failure> {
        if let Some(name) = flag {
            return Ok(name);
        }
        let (origin, name) = match (self.settings.cluster_name.clone(), configured) {
            (Some(name), _) => ("environment variable KIND_CLUSTER_NAME", name),
            (None, Some(name)) => ("name of the configuration", name),
            (None, None) => ("the default name", "kind".to_owned()),
        };
        ClusterName::new(name).map_err(|source| Failure::Name { origin, source })
    }

    /// The user's kubeconfig.
    pub(crate) fn kubeconfig(&self, flag: &args::Kubeconfig) -> Result<KubeconfigFiles, Failure> {
        let (variable, home) = (self.settings.kubeconfig.as_deref(), self.settings.home.as_deref());
        Ok(KubeconfigFiles::new(given_ref(flag.kubeconfig.as_ref()).map(PathBuf::as_path), variable, home)?)
    }

    /// Puts a cluster into the user's kubeconfig and says what became of it.
    pub(crate) fn merge(
        &self,
        files: &KubeconfigFiles,
        kubeconfig: &str,
        name: &ClusterName,
        no_switch: bool,
    ) -> Result<String, KubeconfigError> {
        let context = name.context();
        Ok(if no_switch {
            let file = self.shown(&files.merge_without_switching(kubeconfig)?);
            format!("kubectl has context {context} (in {file}); its current context is what it was")
        } else {
            let file = self.shown(&files.merge(kubeconfig)?);
            format!("kubectl's current context is now {context} (in {file})")
        })
    }

    /// Says what works where a cluster's published address does not lead to it.
    pub(crate) fn tell_out_of_reach(&self, name: &ClusterName) {
        self.console.note(&format!(
            "the API's address does not lead to cluster {name} from here: the engine is on another machine, or outside of this \
             container; `kind-rs kubectl {name} …` works all the same, and other programs do while `kind-rs tunnel {name}` runs"
        ));
    }

    /// A path for people: as it is, but for the home folder.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let below_home = self.settings.home.as_deref().and_then(|home| path.strip_prefix(home).ok());
        below_home.map_or_else(|| path.display().to_string(), |rest| format!("~/{}", rest.display()))
    }
}
