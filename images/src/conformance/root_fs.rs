//! The root file system that most test images share: Debian with the tools that specs call.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use crate::{
    BuildError, Release, Step, base,
    cache::file,
    digest::Digest,
    embedded::{self, CONFORMANCE},
    tools,
    workshop::Workshop,
};

const STEP: Step = Step::TestRoot;

/// The name of its result.
pub(super) fn key(release: &Release) -> String {
    let text = |path| embedded::text(CONFORMANCE, path);
    let digest = Digest::new("test root 1")
        .field("architecture", std::env::consts::ARCH)
        .field("suite", release.debian)
        .field("packages", text("conformance/packages"))
        .field("slim", text("conformance/slim"));
    format!("test-root-{}", digest.short())
}

/// Makes it, or takes that of an earlier build. Returns the tar file.
pub(super) async fn provide(workshop: &Workshop<'_>) -> Result<PathBuf, BuildError> {
    let key = key(workshop.release());
    if let Some(result) = workshop.cache.result(&key) {
        workshop.progress.skipped(STEP);
        return Ok(result.join("rootfs.tar"));
    }
    workshop.step(STEP, make(workshop, &key)).await
}

async fn make(workshop: &Workshop<'_>, key: &str) -> Result<PathBuf, BuildError> {
    workshop.may_fetch(STEP)?;
    tools::debian(workshop, STEP).await?;
    let work = workshop.cache.work("test-root", STEP)?;
    let slim = work.join("slim");
    fs::write(&slim, embedded::text(CONFORMANCE, "conformance/slim")).map_err(file(STEP, "write", &slim))?;
    fs::set_permissions(&slim, fs::Permissions::from_mode(0o755)).map_err(file(STEP, "make executable", &slim))?;
    let unfinished = workshop.cache.begin(key, STEP)?;
    let command = base::mmdebstrap(&work, embedded::text(CONFORMANCE, "conformance/packages"), &slim)
        .args([workshop.release().debian.to_owned(), unfinished.folder.join("rootfs.tar").display().to_string()])
        .args(base::mirrors(workshop, STEP, &work)?);
    workshop.run(STEP, &command).await?;
    Ok(unfinished.finish()?.join("rootfs.tar"))
}
