//! What the building machine must have installed. Asked only by steps that have work to do.

use std::path::Path;

use crate::{BuildError, Release, Step, command::HostCommand, go::PLACES, workshop::Workshop};

/// A program or library of the building machine.
struct Tool {
    name: &'static str,
    /// A command that succeeds where the tool is there.
    probe: (&'static str, &'static [&'static str]),
    install: &'static str,
}

const MMDEBSTRAP: Tool = Tool {
    name: "mmdebstrap",
    probe: ("mmdebstrap", &["--version"]),
    install: "the packages `mmdebstrap`, `debian-archive-keyring` and `gpg`",
};
const GCC: Tool = Tool { name: "gcc", probe: ("gcc", &["--version"]), install: "the packages `gcc` and `libc6-dev`" };
const PKG_CONFIG: Tool =
    Tool { name: "pkg-config", probe: ("pkg-config", &["--version"]), install: "the package `pkg-config`" };
const LIBSECCOMP: Tool = Tool {
    name: "libseccomp (headers and static library)",
    probe: ("pkg-config", &["--exists", "libseccomp"]),
    install: "the package `libseccomp-dev`",
};

const CURL: Tool = Tool { name: "curl", probe: ("curl", &["--version"]), install: "the package `curl`" };
const MAKE: Tool = Tool { name: "make", probe: ("make", &["--version"]), install: "the package `make`" };
const BZIP2: Tool = Tool { name: "bzip2", probe: ("bzip2", &["--help"]), install: "the package `bzip2`" };

/// Checks for the Go toolchain.
pub(crate) async fn go(workshop: &Workshop<'_>, step: Step, release: &Release) -> Result<(), BuildError> {
    let missing = BuildError::MissingTool {
        step,
        tool: "go",
        install: "Go from go.dev, or the package `golang-go` where it is new enough; `cargo xtask setup` of this project's sources fetches one that is pinned by its checksum",
    };
    let command = HostCommand::new("go", Path::new("/")).args(["version"]);
    let Some(printed) = workshop.ask(step, &command).await? else {
        return Err(missing);
    };
    if minor(&printed) >= minor(&format!("go{}", release.go)) {
        let places = HostCommand::new("go", Path::new("/")).args(["env", "-json"]).args(PLACES);
        let places = workshop.ask(step, &places).await?.unwrap_or_default();
        workshop.go_places.get_or_init(|| serde_json::from_str(&places).unwrap_or_default());
        return Ok(());
    }
    Err(BuildError::OldGo { step, found: printed.trim().to_owned(), wanted: release.go })
}

/// The second number of the first version of Go in a text: `go version go1.27-devel_0123abc linux/amd64` has 27.
fn minor(text: &str) -> Option<u32> {
    let rest = text.split_whitespace().find_map(|word| word.strip_prefix("go1."))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Checks for what makes the root file system.
pub(crate) async fn debian(workshop: &Workshop<'_>, step: Step) -> Result<(), BuildError> {
    need(workshop, step, &[MMDEBSTRAP]).await
}

/// Checks for what fetches archives.
pub(crate) async fn curl(workshop: &Workshop<'_>, step: Step) -> Result<(), BuildError> {
    need(workshop, step, &[CURL]).await
}

/// Checks for the C compiler, and for the libraries that runc links.
pub(crate) async fn c(workshop: &Workshop<'_>, step: Step, with_seccomp: bool) -> Result<(), BuildError> {
    need(workshop, step, if with_seccomp { &[GCC, PKG_CONFIG, LIBSECCOMP] } else { &[GCC] }).await
}

/// Checks for what builds C programs from archives of their sources.
pub(crate) async fn make(workshop: &Workshop<'_>, step: Step) -> Result<(), BuildError> {
    need(workshop, step, &[GCC, MAKE, BZIP2]).await
}

async fn need(workshop: &Workshop<'_>, step: Step, tools: &[Tool]) -> Result<(), BuildError> {
    for tool in tools {
        let command = HostCommand::new(tool.probe.0, Path::new("/")).args(tool.probe.1.iter().copied());
        if workshop.ask(step, &command).await?.is_none() {
            return Err(BuildError::MissingTool { step, tool: tool.name, install: tool.install });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_go_is_found_in_releases_and_in_what_is_none_yet() {
        assert_eq!(minor("go version go1.26.8 linux/amd64"), Some(26));
        assert_eq!(minor("go version go1.27rc1 linux/amd64"), Some(27));
        assert_eq!(minor("go version go1.27-devel_0123abc linux/amd64"), Some(27));
        assert_eq!(minor("go1.26"), Some(26));
        assert_eq!(minor("gccgo 12"), None);
    }
}
