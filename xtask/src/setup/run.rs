//! Setting this machine up, in order: look, say, install, start the engine, check what it stands on.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use kind_engine::{Engine, EngineError};

use super::{
    Host, Need, NeedFor, Source, apt, disk, engine, example_packages, go, limits, missing, needs::packages_of, nextest,
    wheel::WheelError,
};
use crate::{
    context::Context,
    interrupt::Interrupted,
    process::{ProcessError, has_program},
};

/// A machine that tests can run on.
pub struct Prepared {
    /// The engine, answering.
    pub engine: Box<dyn Engine>,
    /// The test runner.
    pub nextest: PathBuf,
    /// What is still missing, should the node image have to be built.
    to_build: Vec<Need>,
    host: Host,
}

/// This machine could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// This user may not install packages.
    #[error("install packages: root is needed; run `sudo apt-get install {}`, or this command as root", packages.join(" "))]
    NotRoot {
        /// The packages.
        packages: Vec<&'static str>,
    },
    /// There is no package manager that we know.
    #[error("install packages: this is not a Debian-like system; install what Debian calls {} by hand", packages.join(", "))]
    NoPackageManager {
        /// The packages.
        packages: Vec<&'static str>,
    },
    /// A package manager or a build failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The examples' packages.
    #[error(transparent)]
    Packages(#[from] example_packages::PackagesError),
    /// The Go toolchain.
    #[error(transparent)]
    Go(#[from] WheelError),
    /// The test runner.
    #[error(transparent)]
    Nextest(#[from] nextest::NextestError),
    /// The engine does not run.
    #[error(transparent)]
    Engine(#[from] engine::EngineStartError),
    /// The engine does not answer.
    #[error("ask the container engine for its facts")]
    Facts(#[source] EngineError),
    /// The engine's disk.
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
    /// The kernel's limits.
    #[error(transparent)]
    Limit(#[from] limits::LimitError),
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Installs what is missing in any case, and starts the engine where none answers.
///
/// # Errors
/// When something cannot be installed or started; the error says what to do by hand.
pub async fn prepare(ctx: &Context) -> Result<Prepared, SetupError> {
    ctx.ui.heading("Setup");
    let lines = example_packages::lacking(ctx)?;
    let answers = engine::connect(ctx).await.is_ok();
    let host = Host::look(ctx, answers, lines.iter().map(|line| line.folder.clone()).collect()).await;
    let needs = missing(&host);
    announce(ctx, &needs);
    let (always, to_build): (Vec<Need>, Vec<Need>) =
        needs.into_iter().partition(|need| need.needed_for == NeedFor::Everything);

    install_packages(ctx, &host, &always).await?;
    let nextest = match nextest::find(ctx).await {
        Some(program) => program,
        None => install_nextest(ctx, &always).await?,
    };
    for line in &lines {
        refuse_without_apt(&host, &["dpkg", "apt"])?;
        example_packages::unpack(ctx, line).await?;
    }
    let engine = engine::connect_or_start(ctx).await?;
    let facts = engine.facts().await.map_err(SetupError::Facts)?;
    if facts.local {
        disk::check(Path::new(&facts.root_dir))?;
        limits::provide(ctx, &facts)?;
    }
    ctx.ui.line(&format!(
        "engine {} (API {}), {} on control groups v{}, {} processors",
        facts.version, facts.api_version, facts.storage_driver, facts.cgroup_version, facts.processors
    ));
    Ok(Prepared { engine: Box::new(engine), nextest, to_build, host })
}

/// Installs what building the node image needs, and returns the search path with the Go toolchain on it.
///
/// # Errors
/// When something cannot be installed.
pub async fn install_build_tools(ctx: &Context, prepared: &Prepared) -> Result<OsString, SetupError> {
    install_packages(ctx, &prepared.host, &prepared.to_build).await?;
    let go = match go::find(ctx).await {
        Some(folder) => folder,
        None => go::install(ctx).await?,
    };
    Ok(prepend(&go, &ctx.settings.path))
}

/// Installs what `cargo xtask vm` needs.
///
/// # Errors
/// When something cannot be installed.
pub async fn install_vm_tools(ctx: &Context, prepared: &Prepared) -> Result<(), SetupError> {
    let tools = [("qemu-system-x86_64", "qemu-system-x86"), ("mmdebstrap", "mmdebstrap"), ("mkfs.ext4", "e2fsprogs")];
    let lacking = tools.into_iter().filter(|(program, _)| !has_program(&ctx.settings.path, program));
    let packages: Vec<&'static str> = lacking.map(|(_, package)| package).collect();
    install_named(ctx, &prepared.host, &packages).await
}

/// Installs what `cargo xtask engines` needs.
///
/// # Errors
/// When something cannot be installed.
pub async fn install_engine_tools(ctx: &Context, prepared: &Prepared) -> Result<(), SetupError> {
    let tools = [("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux"), ("setpriv", "util-linux")];
    let lacking = tools.into_iter().filter(|(program, _)| !has_program(&ctx.settings.path, program));
    let mut packages: Vec<&'static str> = lacking.map(|(_, package)| package).collect();
    packages.dedup();
    install_named(ctx, &prepared.host, &packages).await
}

/// Installs the test runner, and says how to call it oneself: its folder is on no search path.
async fn install_nextest(ctx: &Context, needs: &[Need]) -> Result<PathBuf, SetupError> {
    let source = needs.iter().find(|need| need.what == nextest::CRATE).map(|need| &need.source);
    let program = nextest::install(ctx, source.unwrap_or(&Source::Crate(nextest::CRATE))).await?;
    if let Some(folder) = program.parent() {
        ctx.ui.line(&format!("to call `cargo nextest` yourself: export PATH={}:$PATH", folder.display()));
    }
    Ok(program)
}

fn announce(ctx: &Context, needs: &[Need]) {
    if needs.is_empty() {
        ctx.ui.line("nothing is missing");
        return;
    }
    ctx.ui.line("missing here, and about to be installed:");
    for need in needs {
        ctx.ui.line(&format!("- {}", need.to_line()));
    }
}

async fn install_packages(ctx: &Context, host: &Host, needs: &[Need]) -> Result<(), SetupError> {
    install_named(ctx, host, &packages_of(needs)).await
}

async fn install_named(ctx: &Context, host: &Host, packages: &[&'static str]) -> Result<(), SetupError> {
    if packages.is_empty() {
        return Ok(());
    }
    refuse_without_apt(host, packages)?;
    if !host.is_root {
        return Err(SetupError::NotRoot { packages: packages.to_vec() });
    }
    Ok(apt::install(ctx, packages).await?)
}

fn refuse_without_apt(host: &Host, packages: &[&'static str]) -> Result<(), SetupError> {
    if host.has_apt { Ok(()) } else { Err(SetupError::NoPackageManager { packages: packages.to_vec() }) }
}

/// The search path with a folder at its beginning.
pub fn prepend(folder: &Path, path: &OsString) -> OsString {
    let folders = std::iter::once(PathBuf::from(folder)).chain(env::split_paths(path));
    // Only a folder with a colon in its name cannot be joined, and such a folder is on no search path.
    env::join_paths(folders).unwrap_or_else(|_| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_toolchain_comes_first() {
        assert_eq!(prepend(Path::new("/go/bin"), &OsString::from("/usr/bin:/bin")), "/go/bin:/usr/bin:/bin");
    }
}
