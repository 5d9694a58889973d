//! The distribution's package manager: installing packages, and fetching them without installing.

use std::{fs, path::Path};

use crate::{
    context::Context,
    process::{ProcessError, Tool, WhenInterrupted, run_logged},
};

/// Where the package manager keeps its lists.
const LISTS: &str = "/var/lib/apt/lists";

/// Installs packages, after refreshing the lists where they are missing or do not know a package.
pub(super) async fn install(ctx: &Context, packages: &[&str]) -> Result<(), ProcessError> {
    // Without their recommendations, which are many and not needed here.
    let install = apt_get(["install", "--yes", "--no-install-recommends"]).args(packages);
    let name = format!("install {}", packages.join(", "));
    with_lists(ctx, async || run_logged(ctx, &name, &install).await).await
}

/// Fetches packages into `folder`, without installing them. A package with other names elsewhere is `name|other`.
pub(super) async fn download(ctx: &Context, packages: &[String], folder: &Path) -> Result<(), ProcessError> {
    // The package manager drops its rights for downloads and then cannot write into a folder of root's.
    let download = apt_get(["download", "--option", "APT::Sandbox::User=root"]).folder(folder);
    let name = format!("fetch {} packages", packages.len());
    with_lists(ctx, async || run_logged(ctx, &name, &download.clone().args(known(packages).await?)).await).await
}

/// Of every package the name that it has in this distribution. Where none is known, the last: fetching that one fails and
/// says so.
async fn known(packages: &[String]) -> Result<Vec<&str>, ProcessError> {
    let mut known = Vec::new();
    for package in packages {
        let (mut chosen, mut others) = package.split_once('|').unwrap_or((package, ""));
        while !others.is_empty() && !is_known(chosen).await? {
            let (next, rest) = others.split_once('|').unwrap_or((others, ""));
            chosen = next;
            others = rest;
        }
        known.push(chosen);
    }
    Ok(known)
}

/// Whether the distribution has a package of that name. One that others only provide cannot be fetched.
async fn is_known(package: &str) -> Result<bool, ProcessError> {
    let asked = Tool::new("apt-cache").args(["show", "--no-all-versions", package]);
    match crate::process::output(&asked).await {
        Ok(text) => Ok(text.contains(&format!("Package: {package}\n"))),
        Err(ProcessError::Failed { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Unpacks a package file into `folder`, without installing it.
pub(super) async fn unpack(file: &Path, folder: &Path) -> Result<(), ProcessError> {
    crate::process::output(&Tool::new("dpkg-deb").arg("--extract").arg(file).arg(folder)).await.map(drop)
}

fn apt_get<const N: usize>(arguments: [&str; N]) -> Tool {
    Tool::new("apt-get")
        .args(arguments)
        .args(["--quiet", "--option", "DPkg::Lock::Timeout=300"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        // A package manager that is stopped half-way has to be repaired by hand.
        .when_interrupted(WhenInterrupted::Finish)
}

/// Runs the package manager; refreshes its lists before where there are none, and after a failure where they may be old.
async fn with_lists(ctx: &Context, run: impl AsyncFn() -> Result<(), ProcessError>) -> Result<(), ProcessError> {
    let fresh = if has_lists() {
        false
    } else {
        update(ctx).await?;
        true
    };
    match run().await {
        Err(ProcessError::Failed { .. }) if !fresh => {
            ctx.ui.line("the package lists may be old: refreshing them and trying again");
            update(ctx).await?;
            run().await
        }
        result => result,
    }
}

async fn update(ctx: &Context) -> Result<(), ProcessError> {
    run_logged(ctx, "refresh the package lists", &apt_get(["update"])).await
}

fn has_lists() -> bool {
    let Ok(mut files) = fs::read_dir(LISTS) else { return false };
    files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().contains("_Packages")))
}
