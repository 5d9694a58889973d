//! What a caller may choose about a build.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::{Checksum, Release, Source};

/// What a caller may choose about a build. Release, source, version and base image decide which image it is; nothing else here
/// does.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// What to build: Kubernetes where the source is its modules, and everything else.
    pub release: &'static Release,
    /// Where Kubernetes comes from.
    pub source: Source,
    /// Which version a folder of sources is; `None` for what git says.
    pub version: Option<String>,
    /// What an archive has to be; `None` for what is published beside it.
    pub checksum: Option<Checksum>,
    /// The base image; `None` for the one that is built here.
    pub base_image: Option<String>,
    /// The architecture, in Go's words; `None` for the engine's, which is the only one.
    pub architecture: Option<String>,
    /// Where results of finished steps, logs and unfinished work lie (about 1.5 GB). One folder serves any number of
    /// builds; builds in the same folder wait for each other.
    pub cache: PathBuf,
    /// How many compilers may run at once; `None` for as many as there are processors.
    pub jobs: Option<usize>,
    /// Make everything anew, with what this machine and the archives have today, in place of what an earlier build made of the
    /// same inputs.
    pub rebuild: bool,
    /// Fail rather than fetch anything.
    pub offline: bool,
    /// The folder of the Docker client's configuration, whose credentials pulls use; `None` for none.
    pub docker_client: Option<PathBuf>,
    /// Where Debian's packages come from, as a URL. `None` for what this machine's own
    /// apt is configured with, and Debian's default where that says nothing.
    pub debian_mirror: Option<String>,
    /// Cancelled, it ends the build at the next occasion, with [`BuildError::Stopped`](crate::BuildError::Stopped): programs
    /// of this machine are interrupted and may clean up, containers are removed, and what was finished is kept.
    pub stop: CancellationToken,
}

impl BuildOptions {
    /// The newest release, with nothing forbidden.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            release: Release::newest(),
            source: Source::default(),
            version: None,
            checksum: None,
            base_image: None,
            architecture: None,
            cache: cache.into(),
            jobs: None,
            rebuild: false,
            offline: false,
            docker_client: None,
            debian_mirror: None,
            stop: CancellationToken::new(),
        }
    }
}
