//! What a program that links this crate does before `main`: one that was started to keep a cluster, or to report a run, does
//! that and ends. So no test, fixture, constructor or static of the user's crate ever runs in it.
//!
//! Nothing else belongs here. Why it is done like this is in `docs/design/sharing.md`.
#![expect(
    unsafe_code,
    reason = "a function has to be put where the C library looks for what runs before `main`, and the process has to end \
              without what the user's crate runs after it"
)]

#[cfg(not(target_os = "linux"))]
compile_error!("kind-harness runs on Linux: it needs `/proc`, kernel locks and sessions as Linux has them");

use std::{hint::black_box, process::ExitCode};

use kind_core::{
    detached::asks_before_main,
    settings::{self, Purpose},
};
use kind_report::run_reporter;
use nix::{
    libc,
    sys::signal::{SigHandler, Signal, signal},
};

use crate::keeper::run_keeper;

/// What the C library calls before `main`. It does so in the order of the numbers, and what has none comes last.
#[used]
#[unsafe(link_section = ".init_array.00000")]
static FIRST: extern "C" fn() = first;

/// Called by whoever may start this program again: what refers to the function brings it into the program.
pub(crate) fn link() {
    black_box(&FIRST);
}

extern "C" fn first() {
    asks_before_main();
    let Some(purpose) = settings::purpose() else { return };
    let is_well = std::panic::catch_unwind(|| serve(purpose)).is_ok_and(|code| code == ExitCode::SUCCESS);
    let code = i32::from(!is_well);
    // SAFETY: it ends the process, and nothing of it is used afterwards.
    unsafe { libc::_exit(code) }
}

fn serve(purpose: Purpose) -> ExitCode {
    // Rust's own runtime does this, and has not yet. SAFETY: no handler is set, and no other thread runs yet.
    if let Err(error) = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) } {
        eprintln!("ignore broken pipes: {error}");
    }
    match purpose {
        Purpose::Keeper(folder) => run_keeper(&folder),
        Purpose::Reporter(folder) => run_reporter(&folder),
    }
}
