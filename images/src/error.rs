//! What can go wrong while a node image is built, and what to do about it.

use std::path::PathBuf;

use kind_engine::{CommandError, EngineError};

use crate::{Step, source::SourceError};

/// A Kubernetes version that is not in the table.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("build a node image of Kubernetes {found}: this version is not supported; supported: {}", supported.join(", "))]
pub struct UnsupportedVersion {
    /// What was asked for.
    pub found: String,
    /// What is in the table.
    pub supported: Vec<&'static str>,
}

/// The node image could not be built. What was finished is kept, so the next build goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The release's conformance suite is not offered.
    #[error("build the conformance suite of Kubernetes {version}: offered are those of {}", offered.join(", "))]
    NoConformance {
        /// The release.
        version: &'static str,
        /// The releases whose suites are.
        offered: Vec<&'static str>,
    },
    /// A program that a step needs is not installed.
    #[error("{step}: `{tool}` is not installed on this machine; install {install}")]
    MissingTool {
        /// The step.
        step: Step,
        /// The program or library.
        tool: &'static str,
        /// The package to install.
        install: &'static str,
    },
    /// The Go toolchain is older than the sources need.
    #[error(
        "{step}: Go {found} is too old, {wanted} or newer is needed; install it from go.dev, or let `cargo xtask setup` of this project's sources fetch one that is pinned by its checksum"
    )]
    OldGo {
        /// The step.
        step: Step,
        /// What `go version` says.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// A program ended with an error.
    #[error("{step}: `{command}` failed ({outcome}); the whole output is in {}{}", log.display(), indented(tail))]
    Command {
        /// The step.
        step: Step,
        /// The program and its arguments.
        command: String,
        /// Its exit code or signal.
        outcome: String,
        /// The last lines that it printed.
        tail: String,
        /// Where its whole output is.
        log: PathBuf,
    },
    /// The caller stopped it.
    #[error("{step}: stopped; what was finished is kept, and the next build goes on from there")]
    Stopped {
        /// What was under way.
        step: Step,
    },
    /// A step needs the network, which the caller forbade.
    #[error("{step}: this needs the network, which the options forbid, and no earlier build left its result in {}; build once with the network", cache.display())]
    Offline {
        /// The step.
        step: Step,
        /// The cache folder.
        cache: PathBuf,
    },
    /// Upstream's module file is not as expected.
    #[error("{step}: read the module file of Kubernetes at {}: expected a `require` block and staging modules, found none; is the download damaged (`go clean -modcache`)?", path.display())]
    UpstreamModule {
        /// The step.
        step: Step,
        /// The file.
        path: PathBuf,
    },
    /// A module is another one than what programs were built from.
    #[error(
        "{step}: fetch {module} for its licence: expected the checksum {sum}, as programs were built from it; is the download damaged (`go clean -modcache`)?"
    )]
    OtherModule {
        /// The step.
        step: Step,
        /// The module.
        module: String,
        /// Its checksum in programs.
        sum: String,
    },
    /// A build needed modules whose checksums are not in our list.
    #[error(
        "{step}: modules are needed whose checksums are not in images/modules/go.sum: {}; where a version in the table has changed, `cargo run -p kind-images --example module-sums` adds them", unknown.join(", ")
    )]
    UnknownModules {
        /// The step.
        step: Step,
        /// Their lines in Go's own list.
        unknown: Vec<String>,
    },
    /// A module's content is another one than our list says.
    #[error(
        "{step}: fetch {module}: its checksum is {found:?}, expected {wanted}; is the download damaged (`go clean -modcache`), or does GOPROXY answer with something else?"
    )]
    OtherSum {
        /// The step.
        step: Step,
        /// The module.
        module: String,
        /// What was fetched.
        found: String,
        /// What is in the list.
        wanted: String,
    },
    /// The engine runs on another architecture than this machine.
    #[error(
        "build a node image: the engine runs on {engine}, this machine is {machine}; build on a machine of the engine's architecture"
    )]
    Architecture {
        /// The engine's architecture.
        engine: String,
        /// This machine's.
        machine: &'static str,
    },
    /// Another architecture than the engine's was asked for.
    #[error(
        "build a node image for {wanted}: the engine runs on {engine}, and steps of the build run programs of the image; build on a machine of that architecture"
    )]
    OtherArchitecture {
        /// What was asked for.
        wanted: String,
        /// The engine's.
        engine: String,
    },
    /// What was named as the source cannot be one.
    #[error("{step}")]
    Source {
        /// The step.
        step: Step,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// A file of this machine could not be read or written.
    #[error("{step}: {action} {}", path.display())]
    File {
        /// The step.
        step: Step,
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The engine refused.
    #[error("{step}: the container engine failed")]
    Engine {
        /// The step.
        step: Step,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// A command in the build container failed.
    #[error("{step}: a command in the build container failed")]
    InContainer {
        /// The step.
        step: Step,
        /// Which one, and what it printed.
        #[source]
        source: CommandError,
    },
}

/// The lines below the message, indented; nothing where there are none.
fn indented(tail: &str) -> String {
    tail.lines().fold(String::new(), |text, line| text + "\n    " + line)
}

/// Turns the errors of a step's parts into the step's.
pub(crate) trait InStep<T> {
    /// `self` as a result of that step.
    fn during(self, step: Step) -> Result<T, BuildError>;
}

impl<T> InStep<T> for Result<T, EngineError> {
    fn during(self, step: Step) -> Result<T, BuildError> {
        self.map_err(|source| BuildError::Engine { step, source })
    }
}

impl<T> InStep<T> for Result<T, SourceError> {
    fn during(self, step: Step) -> Result<T, BuildError> {
        self.map_err(|source| BuildError::Source { step, source })
    }
}

impl<T> InStep<T> for Result<T, CommandError> {
    fn during(self, step: Step) -> Result<T, BuildError> {
        self.map_err(|source| BuildError::InContainer { step, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_says_what_ran_what_it_printed_and_where_the_rest_is() {
        let error = BuildError::Command {
            step: Step::Runc,
            command: "go build".into(),
            outcome: "exit code 1".into(),
            tail: "a.go:1: no\na.go:2: still no".into(),
            log: "/cache/logs/runc.log".into(),
        };
        assert_eq!(
            error.to_string(),
            "runc: `go build` failed (exit code 1); the whole output is in /cache/logs/runc.log\n    a.go:1: no\n    a.go:2: still no"
        );
    }

    #[test]
    fn a_missing_tool_names_the_package() {
        let error =
            BuildError::MissingTool { step: Step::Base, tool: "mmdebstrap", install: "the package `mmdebstrap`" };
        assert_eq!(
            error.to_string(),
            "base root file system: `mmdebstrap` is not installed on this machine; install the package `mmdebstrap`"
        );
    }
}
