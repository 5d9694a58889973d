//! What a caller may choose about a build.

use std::path::PathBuf;

use crate::Release;

/// What a caller may choose about a build. Nothing here changes what the image contains, the release excepted.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// What to build.
    pub release: &'static Release,
    /// Where results of finished steps, logs and unfinished work lie (about 1.5 GB). One folder serves any number of
    /// builds; builds in the same folder wait for each other.
    pub cache: PathBuf,
    /// How many compilers may run at once; `None` for as many as there are processors.
    pub jobs: Option<usize>,
    /// Fail rather than fetch anything.
    pub offline: bool,
    /// Where Debian's packages come from, as a URL. `None` for what this machine's own
    /// apt is configured with, and Debian's default where that says nothing.
    pub debian_mirror: Option<String>,
}

impl BuildOptions {
    /// The newest release, with nothing forbidden.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { release: Release::newest(), cache: cache.into(), jobs: None, offline: false, debian_mirror: None }
    }
}
