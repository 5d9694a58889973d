//! From a source to a release: the programs, and the versions of everything that goes with them.

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::OnceLock,
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
    BuildError, Release, Step,
    archive::Layer,
    cache::file,
    container::{BuildContainer, WORK},
    digest::Digest,
    error::InStep as _,
    go,
    reference::base_image_reference,
    workshop::Workshop,
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
    let given_base = match &options.base_image {
        Some(reference) => Some(base::provide(workshop, engine, reference).await?),
        None => None,
    };
    let found = match &options.source {
        Source::Module | Source::Image(_) => None,
        Source::Checkout(folder) => Some(workshop.step(STEP, from_checkout(workshop, folder)).await?),
        Source::Archive(path) => Some(from_archive(workshop, path).await?),
        Source::Url(url) => Some(from_url(workshop, url).await?),
    };
    let on_base = Release { base: given_base, ..*options.release };
    let Some((programs, version)) = found else {
        let release = given_base.map(|_| &*Box::leak(Box::new(on_base)));
        return Ok(release.map(|release| Given { release, programs: None }));
    };
    if given_base.is_none() {
        crate::base::provide(workshop, engine).await?;
    }
    let expected = expected(workshop, engine, &base_image_reference(&on_base), &programs, &version).await?;
    let release = Release { base: given_base, ..release(&programs, &version, expected)? };
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
    let fetched = OnceLock::new();
    let archive = async || {
        let path = fetch::fetch(workshop, url, &checksum).await?;
        Ok(fetched.get_or_init(|| path).clone())
    };
    let taken = taken(workshop, &checksum, archive).await?;
    // A build that is killed before leaves it for the next one.
    if let Some(path) = fetched.get() {
        fs::remove_file(path).map_err(file(STEP, "remove", path))?;
    }
    Ok(taken)
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
        let unfinished = workshop.cache.begin("kubernetes-archive", STEP)?;
        let folder = unfinished.folder.clone();
        let unpacked = tokio::task::spawn_blocking(move || unpack(&path, &folder)).await;
        let version =
            unpacked.map_err(std::io::Error::other).map_err(file(STEP, "unpack", &unfinished.folder))?.during(STEP)?;
        write_version(&unfinished.folder, &version)?;
        let nearest = Release::nearest(&version).during(STEP)?;
        go::pause(workshop, nearest, &unfinished.folder).await?;
        Ok((unfinished.finish_as(&workshop.cache, &key)?, version))
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

/// Asks the programs' own kubeadm which images it expects: in a container, because it is not ours.
async fn expected(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    base: &str,
    programs: &Path,
    version: &str,
) -> Result<Expected, BuildError> {
    let tar = workshop.cache.work("kubeadm", STEP)?.join("kubeadm.tar");
    let program = format!("{WORK}/kubeadm");
    let write = || {
        let mut layer = Layer::new(BufWriter::new(fs::File::create(&tar)?));
        layer.copy(&program, 0o755, &programs.join("kubeadm"))?;
        layer.finish()?.flush()
    };
    write().map_err(file(STEP, "write", &tar))?;
    let container = BuildContainer::run(engine, STEP, base, workshop, Privileges::Default).await?;
    let work = async {
        container.unpack(&tar).await?;
        let argv = [program.as_str(), "config", "images", "list", "--kubernetes-version", version];
        container.exec(&Command::new(argv)).await?.success().during(STEP)
    };
    let printed = work.await;
    let printed = container.close(printed).await?;
    fs::remove_file(&tar).map_err(file(STEP, "remove", &tar))?;
    Expected::read(&printed).during(STEP)
}

/// The nearest release of the table, with the tags that these programs expect in place of its own.
fn release(programs: &Path, version: &str, expected: Expected) -> Result<Release, BuildError> {
    let nearest = Release::nearest(version).during(STEP)?;
    let key = programs.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Release {
        kubernetes: version.to_owned().leak(),
        etcd_tag: expected.etcd.leak(),
        coredns_tag: Some(expected.coredns.leak()),
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
        let image = base::provide_image(workshop, engine, reference, step).await?;
        let container = BuildContainer::run(engine, step, &image.id, workshop, Privileges::Default).await?;
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
    fn tags_are_what_the_programs_expect_and_the_rest_is_of_the_nearest_release() {
        let expected = Expected { etcd: "3.6.99-0".into(), coredns: "v1.11.9".into(), pause: "3.99".into() };
        let release = release(Path::new("/cache/kubernetes-abc"), "v1.36.7", expected).unwrap();
        let nearest = Release::find("v1.36").unwrap();
        assert_eq!((release.kubernetes, release.etcd, release.coredns), ("v1.36.7", nearest.etcd, nearest.coredns));
        assert_eq!(release.programs, Some("kubernetes-abc"));
        let images: Vec<String> = crate::pod_images::pod_images(&release).into_iter().map(|image| image.name).collect();
        for name in ["kube-proxy:v1.36.7", "etcd:3.6.99-0", "coredns/coredns:v1.11.9", "pause:3.99"] {
            assert!(images.contains(&format!("registry.k8s.io/{name}")), "{name}: {images:?}");
        }
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
