//! From a source to a release: the programs, and the versions of everything that goes with them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kind_engine::{Command, Engine, Privileges};

use super::{
    Checksum, Source, SourceError,
    archive::{PROGRAMS, unpack},
    base, checkout,
    checksum::Algorithm,
    expected::Expected,
    fetch,
    version::major_minor,
};
use crate::{
    BuildError, Release, Step, cache::file, command::HostCommand, container::BuildContainer, digest::Digest,
    error::InStep as _, go, workshop::Workshop,
};

const STEP: Step = Step::Kubernetes;

/// A release that is in no table: as a table's release needs it, for as long as this process runs. A build makes one.
pub(crate) struct Given {
    /// Its versions.
    pub(crate) release: &'static Release,
    /// The folder with Kubernetes' programs; `None` where they are built from modules.
    pub(crate) programs: Option<PathBuf>,
}

/// Makes a release of what the options name; `None` where they name one of the table and nothing else.
pub(crate) async fn given(workshop: &Workshop<'_>, engine: &dyn Engine) -> Result<Option<Given>, BuildError> {
    let options = workshop.options;
    let base = match &options.base_image {
        Some(reference) => Some(base::provide(workshop, engine, reference).await?),
        None => None,
    };
    let found = match &options.source {
        Source::Module | Source::Image(_) => None,
        Source::Checkout(folder) => Some(workshop.step(STEP, from_checkout(workshop, folder)).await?),
        Source::Archive(path) => Some(from_archive(workshop, path).await?),
        Source::Url(url) => Some(from_url(workshop, url).await?),
    };
    let Some((programs, version)) = found else {
        let release = |base| &*Box::leak(Box::new(Release { base: Some(base), ..*options.release }));
        return Ok(base.map(|base| Given { release: release(base), programs: None }));
    };
    let release = release(workshop, &programs, &version).await?;
    let release = Release { base, ..release };
    Ok(Some(Given { release: Box::leak(Box::new(release)), programs: Some(programs) }))
}

/// Builds the programs, and keeps them under their own digest: Go knows best what has changed.
async fn from_checkout(workshop: &Workshop<'_>, folder: &Path) -> Result<(PathBuf, String), BuildError> {
    let unfinished = workshop.cache.begin("kubernetes-checkout", STEP)?;
    let version = checkout::build(workshop, folder, &unfinished.folder).await?;
    write_version(&unfinished.folder, &version)?;
    let mut digest = Digest::new("checkout 1").field("version", &version);
    for program in PROGRAMS.into_iter().chain(["pause"]) {
        let path = unfinished.folder.join(program);
        let checksum = Checksum::of_file(Algorithm::Sha256, &path).map_err(file(STEP, "read", &path))?;
        digest = digest.field(program, checksum.to_string());
    }
    Ok((unfinished.finish_as(&workshop.cache, &format!("kubernetes-{}", digest.short()))?, version))
}

async fn from_archive(workshop: &Workshop<'_>, path: &Path) -> Result<(PathBuf, String), BuildError> {
    let checksum = match &workshop.options.checksum {
        Some(checksum) => Some(checksum.clone()),
        None => beside(path).during(STEP)?,
    };
    let checksum = if let Some(checksum) = checksum {
        checksum.verify(path).map(|()| checksum).during(STEP)?
    } else {
        workshop.progress.note(&format!(
            "nothing says what {} has to be: there is no .sha512 and no .sha256 beside it, and no --checksum",
            path.display()
        ));
        Checksum::of_file(Algorithm::Sha256, path).map_err(file(STEP, "read", path))?
    };
    taken(workshop, &checksum, async || Ok(path.to_owned())).await
}

async fn from_url(workshop: &Workshop<'_>, url: &str) -> Result<(PathBuf, String), BuildError> {
    let checksum = match &workshop.options.checksum {
        Some(checksum) => checksum.clone(),
        None => fetch::published_checksum(workshop, url).await?,
    };
    taken(workshop, &checksum, async || fetch::fetch(workshop, url, &checksum).await).await
}

/// The checksum in a file beside an archive.
fn beside(path: &Path) -> Result<Option<Checksum>, SourceError> {
    for algorithm in Algorithm::ALL {
        let beside = PathBuf::from(format!("{}.{}", path.display(), algorithm.name()));
        match fs::read_to_string(&beside) {
            Ok(text) => return Checksum::of_text(algorithm, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(SourceError::File { action: "read", path: beside, source }),
        }
    }
    Ok(None)
}

/// The programs of the archive with that checksum, unpacked once.
async fn taken(
    workshop: &Workshop<'_>,
    checksum: &Checksum,
    archive: impl AsyncFnOnce() -> Result<PathBuf, BuildError>,
) -> Result<(PathBuf, String), BuildError> {
    let digest = Digest::new("archive 1").field("checksum", checksum.to_string()).short();
    let key = format!("kubernetes-{digest}");
    if let Some(result) = workshop.cache.result(&key) {
        workshop.progress.skipped(STEP);
        let version = read_version(&result)?;
        return Ok((result, version));
    }
    let work = async {
        let path = archive().await?;
        let unfinished = workshop.cache.begin(&key, STEP)?;
        let folder = unfinished.folder.clone();
        let unpacked = tokio::task::spawn_blocking(move || unpack(&path, &folder)).await;
        let version =
            unpacked.map_err(std::io::Error::other).map_err(file(STEP, "unpack", &unfinished.folder))?.during(STEP)?;
        write_version(&unfinished.folder, &version)?;
        let nearest = Release::nearest(&version).during(STEP)?;
        go::pause(workshop, nearest, &unfinished.folder).await?;
        Ok((unfinished.finish()?, version))
    };
    workshop.step(STEP, work).await
}

fn write_version(folder: &Path, version: &str) -> Result<(), BuildError> {
    let path = folder.join("version");
    fs::write(&path, version).map_err(file(STEP, "write", &path))
}

fn read_version(folder: &Path) -> Result<String, BuildError> {
    let path = folder.join("version");
    fs::read_to_string(&path).map_err(file(STEP, "read", &path))
}

/// The nearest release of the table, with what these programs expect in place of its own.
async fn release(workshop: &Workshop<'_>, programs: &Path, version: &str) -> Result<Release, BuildError> {
    let nearest = Release::nearest(version).during(STEP)?;
    let kubeadm = programs.join("kubeadm").display().to_string();
    let command =
        HostCommand::new(&kubeadm, programs).args(["config", "images", "list", "--kubernetes-version", version]);
    let expected = Expected::read(&workshop.run(STEP, &command).await?).during(STEP)?;
    let key = programs.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Release {
        kubernetes: version.to_owned().leak(),
        etcd_tag: expected.etcd.leak(),
        coredns: expected.coredns.leak(),
        pause: expected.pause.leak(),
        programs: Some(key.leak()),
        conformance: None,
        ..*nearest
    })
}

impl Release {
    /// The release of the table that a version has most in common with: that of its minor version, else the next one.
    fn nearest(version: &str) -> Result<&'static Self, SourceError> {
        let wrong = || SourceError::Version { text: version.to_owned() };
        let wanted = major_minor(version).ok_or_else(wrong)?;
        // kubeadm's configuration is written in the form that came with it.
        if wanted < (1, 31) {
            return Err(SourceError::TooOld { version: version.to_owned(), oldest: "v1.31" });
        }
        let at_most = |release: &&Self| major_minor(release.kubernetes).is_some_and(|of| of <= wanted);
        Ok(Self::all().iter().find(at_most).or(Self::all().last()).unwrap_or(Self::newest()))
    }
}

/// Makes sure that the engine has an image that is a node image already.
pub(crate) async fn adopt(workshop: &Workshop<'_>, engine: &dyn Engine, reference: &str) -> Result<(), BuildError> {
    let step = Step::NodeImage;
    let work = async {
        base::id_of(engine, reference, step).await?;
        let container =
            BuildContainer::run(engine, step, reference, workshop.cache.root(), Privileges::Default).await?;
        let output = container.exec(&Command::new(["cat", "/kind/version"])).await;
        let output = container.close(output).await?;
        if output.exit_code == 0 && !output.stdout.trim_ascii().is_empty() {
            return Ok(());
        }
        Err(SourceError::NoNode { reference: reference.to_owned() }).during(step)
    };
    workshop.step(step, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_release_is_of_the_same_minor_version_or_the_one_before() {
        let nearest = |version: &str| Release::nearest(version).map(|release| release.kubernetes);
        assert_eq!(nearest("v1.36.0"), Ok("v1.36.3"));
        assert_eq!(nearest("v1.39.0-alpha.1"), Ok("v1.37.2"));
        assert_eq!(nearest("v1.31.4"), Ok("v1.34.4"));
        assert!(nearest("v1.30.0").is_err() && nearest("latest").is_err());
    }

    #[test]
    fn a_checksum_beside_an_archive_is_read_and_a_wrong_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.gz");
        assert_eq!(beside(&path), Ok(None));
        let digits = "ab".repeat(64);
        fs::write(folder.path().join("a.tar.gz.sha512"), &digits).unwrap();
        assert_eq!(beside(&path), Ok(Some(digits.parse().unwrap())));
        fs::write(folder.path().join("a.tar.gz.sha512"), "gone").unwrap();
        assert!(beside(&path).is_err());
    }
}
