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
    with_lists(ctx, &name, &install).await
}

/// Fetches packages into `folder`, without installing them.
pub(super) async fn download(ctx: &Context, packages: &[String], folder: &Path) -> Result<(), ProcessError> {
    // The package manager drops its rights for downloads and then cannot write into a folder of root's.
    let download = apt_get(["download", "--option", "APT::Sandbox::User=root"]).args(packages).folder(folder);
    with_lists(ctx, &format!("fetch {} packages", packages.len()), &download).await
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
async fn with_lists(ctx: &Context, name: &str, tool: &Tool) -> Result<(), ProcessError> {
    let fresh = if has_lists() {
        false
    } else {
        update(ctx).await?;
        true
    };
    match run_logged(ctx, name, tool).await {
        Err(ProcessError::Failed { .. }) if !fresh => {
            ctx.ui.line("the package lists may be old: refreshing them and trying again");
            update(ctx).await?;
            run_logged(ctx, name, tool).await
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
