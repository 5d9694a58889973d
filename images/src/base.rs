//! The base image: Debian's packages without what a node never opens, made by mmdebstrap.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use kind_engine::Engine;
use serde_json::json;

use crate::{
    BuildError, Step, apt,
    archive::ImageArchive,
    cache::file,
    command::HostCommand,
    embedded::{self, BASE},
    error::InStep,
    reference::{base_image_reference, base_key, labels},
    tools,
    workshop::Workshop,
};

const STEP: Step = Step::Base;

/// Makes sure that the engine has the base image.
pub(crate) async fn provide(workshop: &Workshop<'_>, engine: &dyn Engine) -> Result<(), BuildError> {
    if workshop.release().base.is_some() {
        return Ok(());
    }
    let reference = base_image_reference(workshop.release());
    let is_wanted_anew = workshop.options.rebuild && workshop.cache.result(&base_key(workshop.release())).is_none();
    if !is_wanted_anew && engine.image(&reference).await.during(STEP)?.is_some() {
        workshop.progress.skipped(STEP);
        return Ok(());
    }
    workshop.step(STEP, make(workshop, engine, &reference)).await
}

async fn make(workshop: &Workshop<'_>, engine: &dyn Engine, reference: &str) -> Result<(), BuildError> {
    let folder = root_file_system(workshop).await?;
    let tar = folder.join("rootfs.tar");
    let layer = fs::read(&tar).map_err(file(STEP, "read", &tar))?;
    let config = config();
    let path = workshop.cache.work("base", STEP)?.join("image.tar");
    let write = || {
        let mut archive = ImageArchive::create(&path)?;
        archive.add(reference, &config, &layer)?;
        archive.finish()
    };
    write().map_err(file(STEP, "write", &path))?;
    workshop.unless_stopped(STEP, engine.load_image(&path)).await?;
    fs::remove_file(&path).map_err(file(STEP, "remove", &path))
}

/// What containers of the image start with.
fn config() -> serde_json::Value {
    json!({
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=docker"],
        "Cmd": ["/bin/bash"],
        // What tells systemd to power off; it takes SIGTERM for a request to start itself again.
        "StopSignal": "SIGRTMIN+3",
        "Labels": { labels::KIND: "base-image" },
    })
}

/// The folder with `rootfs.tar`.
async fn root_file_system(workshop: &Workshop<'_>) -> Result<PathBuf, BuildError> {
    let key = base_key(workshop.release());
    if let Some(result) = workshop.cache.result(&key) {
        return Ok(result);
    }
    workshop.may_fetch(STEP)?;
    tools::debian(workshop, STEP).await?;
    let work = workshop.cache.work("base", STEP)?;
    let slim = work.join("slim");
    fs::write(&slim, embedded::text(BASE, "base/slim")).map_err(file(STEP, "write", &slim))?;
    fs::set_permissions(&slim, fs::Permissions::from_mode(0o755)).map_err(file(STEP, "make executable", &slim))?;
    let unfinished = workshop.cache.begin(&key, STEP)?;
    let command = mmdebstrap(&work, embedded::text(BASE, "base/packages"), &slim)
        .args([workshop.release().debian.to_owned(), unfinished.folder.join("rootfs.tar").display().to_string()])
        .args(mirrors(workshop, STEP, &work)?);
    workshop.run(STEP, &command).await?;
    unfinished.finish()
}

/// mmdebstrap with the packages of a list, and a hook that takes out what is not needed; without suite, target and
/// mirrors.
pub(crate) fn mmdebstrap(work: &Path, packages: &'static str, slim: &Path) -> HostCommand {
    let packages: Vec<&str> = embedded::entries(packages).collect();
    HostCommand::new("mmdebstrap", work)
        .args(["--variant=essential".to_owned(), format!("--include={}", packages.join(","))])
        // Makes /bin a link before anything is unpacked; the package that does it afterwards brings all of Perl.
        .args(["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr".to_owned()])
        .args([format!("--customize-hook={}", slim.display())])
        .args(["doc", "man", "locale"].map(|folder| format!("--dpkgopt=path-exclude=/usr/share/{folder}/*")))
        .args(["--dpkgopt=path-include=/usr/share/doc/*/copyright"])
}

/// Where packages come from, as mmdebstrap's last arguments; none for its own default.
pub(crate) fn mirrors(workshop: &Workshop<'_>, step: Step, work: &Path) -> Result<Vec<String>, BuildError> {
    if let Some(mirror) = &workshop.options.debian_mirror {
        return Ok(vec![mirror.clone()]);
    }
    let (apt, lists) = (Path::new("/etc/apt"), Path::new("/var/lib/apt/lists"));
    apt::debian_mirrors(apt, lists, workshop.release().debian, work).map_err(file(step, "write sources into", work))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuildOptions, Silent, cache::Cache, command::Host};

    /// What the number in `base_key` stands for. Where this fails, raise the number and write the new digest here.
    #[test]
    fn the_number_in_the_tag_is_that_of_this_way_to_make_it() {
        let command = mmdebstrap(Path::new("/work"), "a\nb", Path::new("/work/slim")).display();
        let digest = crate::digest::sha256(format!("{command} {}", config()).as_bytes());
        assert_eq!(digest[..12], *"ab4047b299e6");
    }

    #[tokio::test]
    async fn a_mirror_that_is_named_goes_before_those_of_apt() {
        let folder = tempfile::tempdir().unwrap();
        let named = "http://mirror.example/debian".to_owned();
        let options = BuildOptions { debian_mirror: Some(named.clone()), ..BuildOptions::new(folder.path()) };
        let cache = Cache::open(&options, STEP, &Silent).await.unwrap();
        let host = Host::default();
        let workshop = Workshop::new(&options, cache, &host, &Silent);
        assert_eq!(mirrors(&workshop, STEP, folder.path()).unwrap(), [named]);
    }
}
