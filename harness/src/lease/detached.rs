//! A process that outlives the test that starts it: this very program once more, out of the runner's reach.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
};

use nix::unistd;

use crate::settings;

/// What is started. The program runs the very test again, whose entry then sees from the variable what it is to be.
pub(crate) struct Detached<'a> {
    /// What lists of processes show.
    pub(crate) name: &'static str,
    /// The variable that tells the process what it is.
    pub(crate) variable: &'static str,
    /// Its value: the folder to work on.
    pub(crate) value: &'a Path,
    /// Where everything goes that it prints.
    pub(crate) log: &'a Path,
    /// The name by which the program knows the test.
    pub(crate) test: &'a str,
}

/// A process that was started and not yet waited for.
pub(crate) struct Running(Child);

/// Starts it.
pub(crate) fn start_detached(what: &Detached<'_>) -> io::Result<Running> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(what.log)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(what.name)
        .args(["--exact", what.test, "--nocapture", "--include-ignored"])
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
    command.spawn().map(Running)
}

impl Running {
    /// Waits for it in a thread, so that it never stays as a zombie. How it ended is there once it has.
    pub(crate) fn watch(self) -> io::Result<Arc<OnceLock<String>>> {
        let ended = Arc::new(OnceLock::new());
        let status = Arc::clone(&ended);
        self.wait_then(move |text| {
            // Nobody else sets it.
            let _ = status.set(text);
        })?;
        Ok(ended)
    }

    /// Keeps a lock until it has ended, or this process has.
    pub(crate) fn keep_until_end(self, lock: File) -> io::Result<()> {
        self.wait_then(move |_| drop(lock))
    }

    fn wait_then(mut self, then: impl FnOnce(String) + Send + 'static) -> io::Result<()> {
        let wait = move || then(self.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string()));
        std::thread::Builder::new().name("a process' end".to_owned()).spawn(wait).map(drop)
    }
}

/// Takes this process, which was started so, out of its starter's reach: what kills the test's process group must not
/// kill it, and what the test inherited and passed on is closed, such as a lock that a script holds around the whole run.
///
/// Call it first of all.
pub(crate) fn leave_session() -> io::Result<()> {
    unistd::setsid()?;
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Ok(()) };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // Collected first: the listing itself is one of them, and closed by then.
    let numbers: Vec<i32> = numbers.filter(|number| *number > 2).collect();
    for number in numbers {
        // One of them was the listing's.
        let _ = unistd::close(number);
    }
    Ok(())
}
