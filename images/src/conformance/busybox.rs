//! busybox, from the sources that Debian keeps of it, as upstream released them.
//!
//! Debian's own build will not do: its shell drops environment variables whose names have dots or dashes, which four specs
//! set and look for. No other shell will either: one spec looks for this one's words.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    BuildError, Release, Step, base,
    cache::file,
    command::HostCommand,
    digest::Digest,
    embedded::{self, CONFORMANCE},
    tools,
    workshop::Workshop,
};

const STEP: Step = Step::Busybox;

/// What differs from upstream's own choice: one file without libraries, and nothing for kernels' queueing disciplines,
/// which recent headers no longer describe.
const CHOICES: [(&str, &str); 2] =
    [("# CONFIG_STATIC is not set", "CONFIG_STATIC=y"), ("CONFIG_TC=y", "# CONFIG_TC is not set")];

/// The name of its result.
pub(super) fn key(release: &Release) -> String {
    let digest = Digest::new("busybox 1")
        .field("architecture", std::env::consts::ARCH)
        .field("suite", release.debian)
        .field("source", embedded::text(CONFORMANCE, "conformance/busybox-source"))
        .fields(CHOICES);
    format!("busybox-{}", digest.short())
}

/// Builds it, or takes the result of an earlier build. Returns the folder with the program.
pub(super) async fn provide(workshop: &Workshop<'_>) -> Result<PathBuf, BuildError> {
    let key = key(workshop.release());
    if let Some(result) = workshop.cache.result(&key) {
        workshop.progress.skipped(STEP);
        return Ok(result);
    }
    workshop.step(STEP, make(workshop, &key)).await
}

async fn make(workshop: &Workshop<'_>, key: &str) -> Result<PathBuf, BuildError> {
    workshop.may_fetch(STEP)?;
    tools::debian(workshop, STEP).await?;
    tools::make(workshop, STEP).await?;
    // Empty, so that no archive of an earlier point release lies beside today's.
    let work = workshop.cache.empty_work("busybox", STEP)?;
    let source = unpack(workshop, &work).await?;
    let make = |target: &str| HostCommand::new("make", &source).args(["--silent", target]);
    workshop.run(STEP, &make("defconfig")).await?;
    let path = source.join(".config");
    let text = fs::read_to_string(&path).map_err(file(STEP, "read", &path))?;
    fs::write(&path, configured(&text)).map_err(file(STEP, "write", &path))?;
    let jobs = workshop.options.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    workshop.run(STEP, &make("busybox").args([format!("--jobs={jobs}")])).await?;
    let unfinished = workshop.cache.begin(key, STEP)?;
    let (built, target) = (source.join("busybox"), unfinished.folder.join("busybox"));
    fs::copy(&built, &target).map_err(file(STEP, "copy", &built))?;
    unfinished.finish()
}

/// Has apt fetch the sources, which looks at their signatures, and unpacks them.
async fn unpack(workshop: &Workshop<'_>, work: &Path) -> Result<PathBuf, BuildError> {
    let hook = work.join("busybox-source");
    fs::write(&hook, embedded::text(CONFORMANCE, "conformance/busybox-source")).map_err(file(STEP, "write", &hook))?;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).map_err(file(STEP, "make executable", &hook))?;
    // Nothing is installed: it only is the way to this suite's archives.
    let fetch = HostCommand::new("mmdebstrap", work)
        .args(["--variant=custom".to_owned(), format!("--customize-hook={}", hook.display())])
        .args([workshop.release().debian, "/dev/null"])
        .args(base::mirrors(workshop, STEP, work)?);
    workshop.run(STEP, &fetch).await?;
    let source = work.join("source");
    fs::create_dir_all(&source).map_err(file(STEP, "make the folder", &source))?;
    let archive = archive(work).map_err(file(STEP, "find busybox' sources in", work))?;
    let tar = HostCommand::new("tar", work).args(["--extract", "--strip-components=1", "--file"]);
    workshop.run(STEP, &tar.args([archive.display().to_string(), format!("--directory={}", source.display())])).await?;
    Ok(source)
}

/// Upstream's archive among what apt fetched.
fn archive(work: &Path) -> std::io::Result<PathBuf> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Beside it may lie its signature.
        let is_signature = path.extension().is_some_and(|extension| extension == "asc");
        name.starts_with("busybox_") && name.contains(".orig.tar.") && !is_signature
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(work)?.flatten().map(|entry| entry.path()).filter(is_it).collect();
    match (paths.pop(), paths.pop()) {
        (Some(path), None) => Ok(path),
        (None, _) => Err(std::io::ErrorKind::NotFound.into()),
        (Some(one), Some(other)) => {
            let text = format!("expected one archive, found {} and {}", one.display(), other.display());
            Err(std::io::Error::other(text))
        }
    }
}

/// The configuration with our choices.
fn configured(defaults: &str) -> String {
    let chosen =
        |line: &str| CHOICES.iter().find(|(from, _)| *from == line).map_or(line, |(_, to)| to).to_owned() + "\n";
    defaults.lines().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_whole_lines() {
        let text = "CONFIG_TC=y\nCONFIG_TCX=y\n# CONFIG_STATIC is not set\n";
        assert_eq!(configured(text), "# CONFIG_TC is not set\nCONFIG_TCX=y\nCONFIG_STATIC=y\n");
    }

    #[test]
    fn upstreams_archive_is_told_from_debians() {
        let work = tempfile::tempdir().unwrap();
        for name in ["busybox_1.35.0-4.debian.tar.xz", "busybox_1.35.0.orig.tar.bz2.asc", "busybox_1.35.0-4.dsc"] {
            fs::write(work.path().join(name), "").unwrap();
        }
        assert!(archive(work.path()).is_err());
        let path = work.path().join("busybox_1.35.0.orig.tar.bz2");
        fs::write(&path, "").unwrap();
        assert_eq!(archive(work.path()).unwrap(), path);
        fs::write(work.path().join("busybox_1.36.1.orig.tar.bz2"), "").unwrap();
        assert!(archive(work.path()).is_err(), "which of two versions was meant is not for the folder's order to say");
    }
}
