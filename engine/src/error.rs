//! What can go wrong with the engine, and with a command in a container.

use std::path::PathBuf;

use crate::{ExecOutput, ImageNameError};

/// The action of the request that gives a container its name.
pub(crate) const CREATE_CONTAINER: &str = "create container";

/// A request to the container engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing names an engine, and none listens at the usual sockets: this machine has none that runs.
    #[error(
        "find a container engine: none listens at {}; start it (`systemctl start docker`, or `dockerd`), install one, or name one with DOCKER_HOST or a Docker context",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Absent {
        /// The sockets that were looked at.
        looked: Vec<PathBuf>,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine that was named does not answer, or not as an engine does.
    #[error("reach the container engine at {address} ({found_by}){}", advice(address))]
    Unreachable {
        /// The address that was tried.
        address: String,
        /// What named it.
        found_by: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address has a form that is not known, or asks for what cannot work here.
    #[error("use the container engine at {address} ({found_by}): {reason}")]
    Unsupported {
        /// The address.
        address: String,
        /// What named it.
        found_by: String,
        /// What is wrong with it, and what would do.
        reason: String,
    },
    /// A Docker context that is named does not lead to an engine.
    #[error("use Docker context {name} (named by {by}): {reason}; `docker context ls` lists those that there are")]
    Context {
        /// The context's name.
        name: String,
        /// What named the context.
        by: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that TLS needs is missing or no good.
    #[error(
        "reach the container engine at {address} ({found_by}) with TLS: {}: {reason}; DOCKER_CERT_PATH, or the context, names the folder of ca.pem, cert.pem and key.pem",
        path.display()
    )]
    Certificate {
        /// The engine's address.
        address: String,
        /// What named it.
        found_by: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine's socket exists, but this user may not use it.
    #[error(
        "open the container engine's socket {address}: permission denied; add this user to the `docker` group, or run as root"
    )]
    Forbidden {
        /// The socket.
        address: String,
    },
    /// The engine is older than API 1.41 (Docker 20.10).
    #[error("use the container engine: its API version is {found}, at least 1.41 (Docker 20.10) is needed")]
    TooOld {
        /// The engine's API version.
        found: String,
    },
    /// What is asked for is no name of an image, so the engine was not asked.
    #[error("{action}")]
    ImageName {
        /// What was to be done, as a verb.
        action: &'static str,
        /// What is wrong with it.
        #[source]
        source: ImageNameError,
    },
    /// The engine answered with an error of its own.
    #[error("{action} {object}: the engine answered {status}: {message}")]
    Refused {
        /// What was asked, as a verb.
        action: &'static str,
        /// The container, image or network.
        object: String,
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The connection to the engine broke.
    #[error("{action} {object}: the connection to the engine failed")]
    Broken {
        /// What was asked, as a verb.
        action: &'static str,
        /// The container, image or network.
        object: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine did not answer in time.
    #[error("{action} {object}: the engine did not answer within {seconds} s")]
    TimedOut {
        /// What was asked, as a verb.
        action: &'static str,
        /// The container, image or network.
        object: String,
        /// The limit.
        seconds: u64,
    },
    /// A file of this machine could not be read or written.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl EngineError {
    /// Whether the engine said that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether the engine said that a container of that name is there already.
    pub fn is_container_taken(&self) -> bool {
        matches!(self, Self::Refused { status: 409, action: CREATE_CONTAINER, .. })
    }

    /// Whether the engine said that something must not be done now, such as removing a network that is in use.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }

    /// Whether the engine said that the name is taken or the state does not allow it.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }
}

/// What to do about an engine that does not answer.
fn advice(address: &str) -> &'static str {
    if address.starts_with("ssh://") {
        "; keys must do without a prompt, and Docker's client must be there: try `ssh -o BatchMode=yes HOST docker version`"
    } else {
        ": start it there, or name another one"
    }
}

/// A command in a container ended with a non-zero exit code.
#[derive(Debug, thiserror::Error)]
#[error("run `{}` in {container}: exit code {exit_code}{}", argv.join(" "), tail(output))]
pub struct CommandError {
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The exit code.
    pub exit_code: i64,
    /// Standard error, after standard output where that is all there is.
    pub output: String,
}

impl From<ExecOutput> for CommandError {
    fn from(exec: ExecOutput) -> Self {
        let text = if exec.stderr.is_empty() { &exec.stdout } else { &exec.stderr };
        Self {
            container: exec.container,
            argv: exec.argv,
            exit_code: exec.exit_code,
            output: String::from_utf8_lossy(text).trim_end().to_owned(),
        }
    }
}

/// The last lines of a command's output, indented; what went before is in the step's log.
fn tail(output: &str) -> String {
    const LINES: usize = 15;
    let lines: Vec<&str> = output.lines().collect();
    let skipped = lines.len().saturating_sub(LINES);
    lines[skipped..].iter().fold(String::new(), |text, line| text + "\n    " + line)
}
