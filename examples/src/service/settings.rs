//! The service's settings: the only place that reads its environment.

use anyhow::{Context as _, bail};

/// What the environment says. Each variable may instead be a file, named by the variable with `_FILE` at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `LISTEN`: the address to serve on.
    pub listen: String,
    /// `REDIS_URL`: where the entries are kept.
    pub redis_url: String,
    /// `VERSION`: what `/version` answers; the image sets it.
    pub version: String,
    /// `HOSTNAME`: who answers; in a pod, the pod's name.
    pub instance: String,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When a variable is not in UTF-8, or its file cannot be read.
    pub fn from_environment() -> anyhow::Result<Self> {
        Ok(Self {
            listen: variable("LISTEN", "0.0.0.0:8080")?,
            redis_url: variable("REDIS_URL", "redis://redis:6379")?,
            version: variable("VERSION", "development")?,
            instance: variable("HOSTNAME", "localhost")?,
        })
    }
}

/// The value of `NAME`, or the content of the file that `NAME_FILE` names: a mounted secret shows up in no process list.
#[expect(clippy::disallowed_methods, reason = "the service's environment is its own, not the harness's")]
fn variable(name: &str, default: &str) -> anyhow::Result<String> {
    if let Some(file) = std::env::var_os(format!("{name}_FILE")) {
        let content = std::fs::read_to_string(&file).with_context(|| format!("read {name} from {}", file.display()))?;
        return Ok(content.trim_end().to_owned());
    }
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{name} is not UTF-8"),
    }
}
