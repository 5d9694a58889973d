//! The kubeconfig of a handle as a file, for programs such as `helm` and `kubectl`. What the kubeconfig says is not
//! decided here.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_yaml::Value;
use tempfile::TempPath;

use super::{Cluster, ClusterError};

/// Where a handle's file goes, and the file once somebody asked for it.
#[derive(Default)]
pub(super) struct KubeconfigFile {
    /// The folder of temporary files where there is none.
    folder: Option<PathBuf>,
    namespace: Option<String>,
    file: Mutex<Option<TempPath>>,
}

impl Cluster {
    /// A file with [`Cluster::kubeconfig`], for programs that want one: `helm`, `kubectl`, another language's client, a
    /// version of `kube` that no feature of this crate is for. Only this user may read it; it holds a private key.
    ///
    /// In a test it lies in the test's folder (`TestContext::artifacts`), its namespace
    /// is the test's, and it is removed with the test. Elsewhere it goes with the last clone of this handle.
    ///
    /// ```no_run
    /// use kind_harness::{Cluster, kind_test};
    ///
    /// #[kind_test]
    /// async fn installs_a_chart(cluster: Cluster) -> anyhow::Result<()> {
    ///     let kubeconfig = cluster.kubeconfig_file().await?;
    ///     let mut helm = tokio::process::Command::new("helm");
    ///     let installed = helm.env("KUBECONFIG", kubeconfig).args(["install", "shop", "./chart", "--wait"]).status().await?;
    ///     assert!(installed.success());
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`Cluster::kubeconfig`], and when the file cannot be written.
    pub async fn kubeconfig_file(&self) -> Result<PathBuf, ClusterError> {
        let text = self.kubeconfig().await?;
        self.file.path(text).map_err(ClusterError::KubeconfigFile)
    }

    /// The same handle, whose file lies there and names that namespace.
    #[must_use]
    pub fn with_file_in(self, folder: &Path, namespace: Option<&str>) -> Self {
        let file = KubeconfigFile {
            folder: Some(folder.to_owned()),
            namespace: namespace.map(str::to_owned),
            file: Mutex::default(),
        };
        Self { file: file.into(), ..self }
    }

    /// Removes the file, whoever still has a clone of the handle.
    pub fn remove_file(&self) {
        let file = self.file.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = file.map(TempPath::close) {
            tracing::warn!("remove the kubeconfig file of cluster {}: {error}", self.name());
        }
    }
}

impl KubeconfigFile {
    fn path(&self, kubeconfig: &str) -> io::Result<PathBuf> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            return Ok(file.to_path_buf());
        }
        let text = match &self.namespace {
            Some(namespace) => with_namespace(kubeconfig, namespace).map_err(io::Error::other)?,
            None => kubeconfig.to_owned(),
        };
        let folder = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        fs::create_dir_all(&folder)?;
        // For its user alone from the first moment on.
        let mut made = tempfile::Builder::new().prefix("kubeconfig-").tempfile_in(folder)?;
        made.write_all(text.as_bytes())?;
        Ok(file.insert(made.into_temp_path()).to_path_buf())
    }
}

/// The kubeconfig with another namespace in its current context.
fn with_namespace(kubeconfig: &str, namespace: &str) -> Result<String, serde_yaml::Error> {
    let mut whole: Value = serde_yaml::from_str(kubeconfig)?;
    let current = whole.get("current-context").cloned();
    let contexts = whole.get_mut("contexts").and_then(Value::as_sequence_mut);
    let context = contexts.into_iter().flatten().find(|context| context.get("name") == current.as_ref());
    if let Some(context) = context.and_then(|context| context.get_mut("context")).and_then(Value::as_mapping_mut) {
        context.insert("namespace".into(), namespace.into());
    }
    serde_yaml::to_string(&whole)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{cluster::client_config, fake_api::record};

    fn handle() -> Cluster {
        Cluster::attach(record(), kind_engine::EngineChoice::default())
    }

    #[tokio::test]
    async fn a_tests_file_is_its_users_alone_names_its_namespace_and_goes() {
        let artifacts = tempfile::tempdir().unwrap();
        let folder = artifacts.path().join("test");
        let cluster = handle().with_file_in(&folder, Some("orders"));
        assert!(!folder.exists(), "nobody asked yet");
        let path = cluster.kubeconfig_file().await.unwrap();
        assert!(path.starts_with(&folder), "{path:?}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let config = client_config(&fs::read_to_string(&path).unwrap()).await.unwrap();
        assert_eq!(config.default_namespace, "orders");
        assert_eq!(config.cluster_url, client_config(cluster.kubeconfig().await.unwrap()).await.unwrap().cluster_url);
        let leaked = cluster.clone();
        assert_eq!(leaked.kubeconfig_file().await.unwrap(), path, "one file for all clones");
        cluster.remove_file();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn without_a_test_it_goes_with_the_last_handle() {
        let cluster = handle();
        let path = cluster.kubeconfig_file().await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), cluster.kubeconfig().await.unwrap());
        let other = cluster.clone();
        drop(cluster);
        assert!(path.exists());
        drop(other);
        assert!(!path.exists());
    }
}
