//! A process that outlives the test that starts it: this very program once more, out of the runner's reach.
//!
//! What it does then is decided before its `main`, by whoever calls [`asks_before_main`].
#![expect(unsafe_code, reason = "leaving the session and the inherited files has to happen between `fork` and `exec`")]

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io,
    os::{
        fd::RawFd,
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{libc, unistd};

use crate::settings;

/// Whether this program asks before `main` what it was started for.
static ASKS: AtomicBool = AtomicBool::new(false);

/// Notes that this program asks before `main` what it was started for, so that it can be started for something.
pub fn asks_before_main() {
    ASKS.store(true, Ordering::Relaxed);
}

/// What is started.
pub struct Detached<'a> {
    /// What lists of processes show.
    pub name: &'static str,
    /// The variable that tells the process what it is.
    pub variable: &'static str,
    /// Its value: the folder to work on.
    pub value: &'a Path,
    /// Where everything goes that it prints.
    pub log: &'a Path,
}

/// A process that was started and not yet waited for.
pub struct Running(Child);

/// Starts it. It has a session of its own, so that what kills the test's process group does not kill it, and nothing open
/// of what the test inherited, such as a lock that a script holds around the whole run.
///
/// # Errors
/// When this program would not ask, or the process cannot be started.
pub fn start_detached(what: &Detached<'_>) -> io::Result<Running> {
    if !ASKS.load(Ordering::Relaxed) {
        return Err(io::Error::other(
            "this program does not run what kind-harness has in the section `.init_array`: link it into an executable, and \
             let the linker keep that section",
        ));
    }
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(what.log)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(what.name)
        .env(what.variable, OsStr::new(what.value))
        // The test's folder may be a temporary one.
        .current_dir("/")
        // Nothing of the runner's stays open, so that it neither waits for the process nor calls it a leak.
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    for name in settings::OF_ONE_TEST {
        command.env_remove(name);
    }
    let inherited = open_files();
    // SAFETY: system calls alone, and nothing is allocated.
    unsafe { command.pre_exec(move || leave(&inherited)) };
    command.spawn().map(Running)
}

/// The numbers of what this process has open, the standard streams apart.
fn open_files() -> Vec<RawFd> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| *number > 2).collect()
}

/// Takes the process that is about to become another program out of its starter's reach.
fn leave(inherited: &[RawFd]) -> io::Result<()> {
    unistd::setsid()?;
    // SAFETY: nothing is closed now; what is open is only closed with the next `exec`.
    let all = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if all != 0 {
        // Linux before 5.11 cannot, and some engines forbid it.
        for number in inherited {
            // SAFETY: as above. Of a number that is not open any more nothing is to be closed.
            unsafe { libc::fcntl(*number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

impl Running {
    /// Waits for it in a thread, so that it never stays as a zombie. How it ended is there once it has.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn watch(self) -> io::Result<Arc<OnceLock<String>>> {
        let ended = Arc::new(OnceLock::new());
        let status = Arc::clone(&ended);
        self.wait_then(move |text| {
            // Nobody else sets it.
            let _ = status.set(text);
        })?;
        Ok(ended)
    }

    /// Keeps a lock until it has ended, or this process has.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn keep_until_end(self, lock: File) -> io::Result<()> {
        self.wait_then(move |_| drop(lock))
    }

    fn wait_then(mut self, then: impl FnOnce(String) + Send + 'static) -> io::Result<()> {
        let wait = move || then(self.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string()));
        std::thread::Builder::new().name("a process' end".to_owned()).spawn(wait).map(drop)
    }
}
