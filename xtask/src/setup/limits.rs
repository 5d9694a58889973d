//! The kernel's limits for inotify, which all containers of a machine share: raised where we may, else an error where nodes
//! would not come up. Changes of `/proc/sys` last until the next boot.

use std::{fs, io};

use kind_engine::EngineFacts;
use kind_images::machine::{Certainty, INSTANCES, Need, Room, Shortage, WATCHES};
use nix::unistd::Uid;

use crate::context::Context;

/// The machine has too little of something for the clusters of the tests.
#[derive(Debug, thiserror::Error)]
#[error("set up this machine for clusters: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct LimitError(Vec<Shortage>);

/// Raises what is too low for several clusters, as root, and refuses what is too low for one.
pub(super) fn provide(ctx: &Context, engine: &EngineFacts) -> Result<(), LimitError> {
    if Room::of(engine).is_none() {
        return Ok(());
    }
    for (name, enough) in [INSTANCES, WATCHES] {
        match raise(name, enough) {
            Ok(None) => {}
            Ok(Some(found)) => {
                ctx.ui.line(&format!("raised the kernel's limit {name} from {found} to {enough}, until the next boot"));
            }
            Err(error) => ctx.ui.line(&format!("the kernel's limit {name} cannot be raised: {error}")),
        }
    }
    // What is left now, in whichever way it came to that.
    let room = Room { disk: None, ..Room::of(engine).unwrap_or_default() };
    let short = room.shortages(Need::of(3, 1)).into_iter();
    let short: Vec<Shortage> = short.filter(|shortage| shortage.certainty() == Certainty::Sure).collect();
    if short.is_empty() { Ok(()) } else { Err(LimitError(short)) }
}

/// Returns what it was, where it was too low. Only root may, and a kernel without this limit has none that is too low.
fn raise(name: &str, enough: u64) -> io::Result<Option<u64>> {
    let file = format!("/proc/sys/{}", name.replace('.', "/"));
    let found = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let Some(found) = found.filter(|found| *found < enough && Uid::effective().is_root()) else { return Ok(None) };
    fs::write(&file, enough.to_string()).map(|()| Some(found))
}
