//! The kernel's limits for inotify, which all containers of a machine share: raised where we may, else an error with the
//! command. Changes of `/proc/sys` last until the next boot.

use std::{fs, io};

use nix::unistd::Uid;

use crate::context::Context;

/// A limit of the kernel.
#[derive(Debug, Clone, Copy)]
struct Limit {
    name: &'static str,
    /// Below this, the kubelets of a second cluster die with "too many open files".
    least: u64,
    /// What it is raised to.
    raised: u64,
}

const LIMITS: [Limit; 2] = [
    Limit { name: "fs.inotify.max_user_instances", least: 512, raised: 1024 },
    Limit { name: "fs.inotify.max_user_watches", least: 524_288, raised: 524_288 },
];

/// A limit is too low and could not be raised.
#[derive(Debug, thiserror::Error)]
#[error("raise the kernel's limit {name}: it is {found}, nodes need {least}; run `sysctl -w {name}={raised}` as root")]
pub struct LimitError {
    name: &'static str,
    found: u64,
    least: u64,
    raised: u64,
    /// The system's reason.
    #[source]
    source: io::Error,
}

/// Raises what is too low.
pub(super) fn raise(ctx: &Context) -> Result<(), LimitError> {
    for Limit { name, least, raised } in LIMITS {
        let file = format!("/proc/sys/{}", name.replace('.', "/"));
        // A kernel without this limit has none that is too low.
        let Some(found) = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u64>().ok()) else {
            continue;
        };
        if found >= least {
            continue;
        }
        let write = || {
            if !Uid::effective().is_root() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            fs::write(&file, raised.to_string())
        };
        write().map_err(|source| LimitError { name, found, least, raised, source })?;
        ctx.ui.line(&format!("raised the kernel's limit {name} from {found} to {raised}, until the next boot"));
    }
    Ok(())
}
