//! What callers do with the user's kubeconfig: put a cluster in, take a cluster out.

use std::path::PathBuf;

use serde_yaml::Value;

use super::{KubeconfigError, KubeconfigFiles, entries, store};
use crate::spec::ClusterName;

impl KubeconfigFiles {
    /// Checks that the file that [`KubeconfigFiles::merge`] would change can be changed, or made with its folder. All is
    /// as before afterwards.
    ///
    /// # Errors
    /// When it cannot be read as a kubeconfig, or not be replaced.
    pub fn check(&self) -> Result<(), KubeconfigError> {
        store::check(self.target(), |file| entries::merge(file, &Value::Null).map(|()| false))
    }

    /// Puts every entry of a kubeconfig text into the user's file, makes its current context the current one, and
    /// returns the file. Blocks while another process of ours changes it.
    ///
    /// # Errors
    /// When the file cannot be read as a kubeconfig or cannot be replaced; it is unchanged then.
    pub fn merge(&self, kubeconfig: &str) -> Result<PathBuf, KubeconfigError> {
        self.put(&parse(kubeconfig)?)
    }

    /// As [`KubeconfigFiles::merge`], but the user's current context stays what it is.
    ///
    /// # Errors
    /// As [`KubeconfigFiles::merge`].
    pub fn merge_without_switching(&self, kubeconfig: &str) -> Result<PathBuf, KubeconfigError> {
        let mut addition = parse(kubeconfig)?;
        if let Some(fields) = addition.as_mapping_mut() {
            fields.remove("current-context");
        }
        self.put(&addition)
    }

    fn put(&self, addition: &Value) -> Result<PathBuf, KubeconfigError> {
        let path = self.target();
        store::change(path, |file| entries::merge(file, addition).map(|()| true))?;
        Ok(path.to_owned())
    }

    /// Takes a cluster's entries out of every one of the user's files and returns those that had any. A file without
    /// any is only read; what is no regular file cannot have any. A file that fails does not keep the others from being
    /// cleaned.
    ///
    /// # Errors
    /// The first failure; that file is unchanged.
    pub fn remove(&self, cluster: &ClusterName) -> Result<Vec<PathBuf>, KubeconfigError> {
        let name = cluster.context();
        let mut changed = Vec::new();
        let mut failure = None;
        for path in self.all() {
            match store::change(path, |file| entries::remove(file, &name)) {
                Ok(true) => changed.push(path.clone()),
                Ok(false) | Err(KubeconfigError::NotRegular { .. }) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(changed), Err)
    }
}

fn parse(kubeconfig: &str) -> Result<Value, KubeconfigError> {
    serde_yaml::from_str(kubeconfig)
        .map_err(|source| KubeconfigError::Syntax { path: PathBuf::from("of the cluster"), source })
}
