//! The task: what is installed and made, then the machine, then its verdict.

use std::{fs, io, path::PathBuf};

use kind_engine::EngineError;
use nix::unistd::Uid;

use super::{
    guest::{self, Guest},
    machine, payload, root,
};
use crate::{
    args::VmArgs,
    context::Context,
    process::{ProcessError, log_of, run_logged},
    setup::{self, SetupError},
    tasks::{ImageChoice, ImageError, image},
};

/// The check in the virtual machine did not pass, or there is none.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The machine is of another kind.
    #[error("start a virtual machine on {found}: only x86-64 is known here")]
    Architecture {
        /// This machine's architecture.
        found: &'static str,
    },
    /// Files of the machine's root have owners.
    #[error("make the virtual machine's disk: root is needed, because its files are root's")]
    NotRoot,
    /// This machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A program.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The engine.
    #[error("copy the node image")]
    Engine(#[source] EngineError),
    /// A file.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no test program.
    #[error("find the harness' test program: cargo named none of {of}")]
    NoTests {
        /// Its source.
        of: &'static str,
    },
    /// The machine did not say that all went well.
    #[error("check kind-rs in a virtual machine: it did not pass; what the machine said: {}", log.display())]
    Failed {
        /// The machine's console.
        log: PathBuf,
    },
}

/// Makes a virtual machine of Debian's packages, starts it, and has it run a cluster.
///
/// # Errors
/// When any of it fails.
pub async fn vm(ctx: &Context, arguments: VmArgs) -> Result<(), VmError> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(VmError::Architecture { found: std::env::consts::ARCH });
    }
    if !Uid::effective().is_root() {
        return Err(VmError::NotRoot);
    }
    let prepared = setup::prepare(ctx).await?;
    setup::install_vm_tools(ctx, &prepared).await?;
    let choice = ImageChoice::new(arguments.image.clone(), ctx.settings.image.clone());
    let image = image::node_image(ctx, &prepared, choice).await?;
    ctx.ui.heading("Virtual machine");
    let folder = ctx.workspace.virtual_machines();
    let failed = |action| {
        let path = folder.clone();
        move |source| VmError::File { action, path, source }
    };
    fs::create_dir_all(&folder).map_err(failed("make"))?;
    let guest = Guest { suite: arguments.suite, rootless: arguments.rootless };
    let root = root::root(ctx, guest).await?;
    // It goes with the machine.
    let work = tempfile::tempdir_in(&folder).map_err(failed("make a folder in"))?;
    let payload = payload::payload(ctx, &*prepared.engine, &image, work.path()).await?;
    let name = format!("run a cluster on {} in the virtual machine", guest.title());
    run_logged(ctx, &name, &machine::qemu(&arguments, &root, &payload)).await?;
    work.close().map_err(failed("remove a folder in"))?;
    let log = log_of(ctx, &name);
    let console = fs::read(&log).map_err(|source| VmError::File { action: "read", path: log.clone(), source })?;
    let console = String::from_utf8_lossy(&console);
    if !guest::passed(&console) {
        return Err(VmError::Failed { log });
    }
    ctx.ui.line(&format!("what the machine said: {}", log.display()));
    Ok(())
}
