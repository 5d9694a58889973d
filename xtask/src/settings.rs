//! The only reader of environment variables in this crate, and the names of those that it passes on.
//!
//! Nothing is decided here: other modules look at the fields.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use kind_engine::EngineChoice;
use nix::unistd::geteuid;

/// Set for test processes: a test without an engine fails instead of being skipped.
pub const TEST_REQUIRE: &str = "KIND_TEST_REQUIRE";
/// Set for test processes: the node image.
pub const TEST_IMAGE: &str = "KIND_TEST_IMAGE";

/// Set for test processes: which clusters stay after the run.
pub const TEST_KEEP: &str = "KIND_TEST_KEEP";

/// Set for conformance specs: the file that they add their results to.
pub const CONFORMANCE_RESULTS: &str = "KIND_CONFORMANCE_RESULTS";

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a CI system runs us.
    pub ci: bool,
    /// Where programs are looked for.
    pub path: OsString,
    /// The cargo that started us.
    pub cargo: OsString,
    /// What says where the engine is.
    pub engine: EngineChoice,
    /// The folder of the Docker client's configuration, which has the credentials for registries.
    pub docker_client: Option<PathBuf>,
    /// The node image that the user wants.
    pub image: Option<String>,
    /// Where tests leave their report, where it is not in the target folder.
    pub artifacts: Option<PathBuf>,
    /// Where cargo builds, where it is not `target`.
    pub target_dir: Option<PathBuf>,
    /// Where what we installed for ourselves is kept.
    pub cache_dir: PathBuf,
    /// Where logs and process ids are kept.
    pub state_dir: PathBuf,
    /// Variables that cargo sets for us and that a nested cargo must not see: some build scripts watch them, and
    /// would build everything anew.
    pub cargo_run_variables: Vec<OsString>,
}

impl Settings {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "this is the settings module")]
    pub fn from_environment() -> Self {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let home = text("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let folder = |name: &str, fallback: &str| {
            let named = text(name).map_or_else(|| home.join(fallback), PathBuf::from);
            if is_of_somebody_else(&named) { Path::new("/root").join(fallback) } else { named }
        };
        Self {
            ci: text("CI").is_some_and(|value| value != "false" && value != "0"),
            path: env::var_os("PATH").unwrap_or_default(),
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            engine: EngineChoice::from_variables(&|name| env::var_os(name)),
            docker_client: Some(folder("DOCKER_CONFIG", ".docker")),
            image: text(TEST_IMAGE),
            artifacts: text("ARTIFACTS").map(PathBuf::from),
            target_dir: text("CARGO_TARGET_DIR").map(PathBuf::from),
            cache_dir: folder("XDG_CACHE_HOME", ".cache").join("kind-rs"),
            state_dir: folder("XDG_STATE_HOME", ".local/state").join("kind-rs"),
            cargo_run_variables: env::vars_os()
                .map(|(name, _)| name)
                .filter(|name| is_set_by_cargo_run(name))
                .collect(),
        }
    }
}

/// Whether root would make something in another user's home, as with `sudo`: that user could not use it later. The
/// harness goes by the same rule.
fn is_of_somebody_else(path: &Path) -> bool {
    let owner = path.ancestors().find_map(|path| fs::metadata(path).ok()).map(|facts| facts.uid());
    geteuid().is_root() && owner.is_some_and(|owner| owner != 0)
}

fn is_set_by_cargo_run(name: &OsStr) -> bool {
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    let name = name.to_string_lossy();
    name == "CARGO_CRATE_NAME" || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cargo_run_adds_is_taken_away() {
        assert!(is_set_by_cargo_run(OsStr::new("CARGO_PKG_VERSION")));
        assert!(is_set_by_cargo_run(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!is_set_by_cargo_run(OsStr::new("CARGO_HOME")));
        assert!(!is_set_by_cargo_run(OsStr::new("CARGO_TARGET_DIR")));
    }
}
