//! Setup as a user sees it, with stand-ins for the package managers and an engine that is not there.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// A machine on which nothing is installed, and whose package managers only take notes.
struct Machine(TempDir);

impl Machine {
    /// `package_manager` is what `apt-get` does beside taking notes, `python` what Python does.
    fn new(package_manager: &str, python: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        fs::create_dir(machine.path().join("bin")).unwrap();
        for (name, body) in [
            ("apt-get", package_manager),
            ("python3", python),
            ("pip3", ""),
            ("cargo", "exit 9"),
            // The second name is the one that this distribution has; the first is only provided.
            ("apt-cache", "[ \"$3\" = libssl3t64 ] && echo \"Package: libssl3t64\" || exit 100"),
            ("dpkg", ""),
            ("dpkg-deb", ""),
        ] {
            machine.program(name, body);
        }
        machine
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn program(&self, name: &str, body: &str) {
        let file = self.path().join("bin").join(name);
        let notes = self.path().join("notes");
        fs::write(&file, format!("#!/bin/sh\necho \"{name} $*\" >>{}\n{body}\n", notes.display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.path().join("notes")).unwrap_or_default()
    }

    fn setup(&self) -> Command {
        let bin = self.path().join("bin");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("setup")
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("CARGO", bin.join("cargo"))
            .env("HOME", self.path())
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("CARGO_TARGET_DIR", self.path().join("target"))
            .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
            .stdin(Stdio::null());
        command
    }

    /// Starts the setup, interrupts it once `note` was taken, and waits for its end.
    fn interrupted_at(&self, note: &str) -> (Output, Duration) {
        let child = self.setup().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while !self.notes().contains(note) {
            assert!(start.elapsed() < Duration::from_secs(20), "never came to {note:?}: {}", self.notes());
            std::thread::yield_now();
        }
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
        let asked = Instant::now();
        (child.wait_with_output().unwrap(), asked.elapsed())
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a package manager of Python does: puts a script in the place of cargo-nextest, which knows its version, into the
/// folder that `--target` names, where the list of packages has a checksum for each.
const INSTALLS_NEXTEST: &str = "for last; do :; done; grep -q -- '--hash=sha256:' \"$last\" || exit 3; \
    while [ \"$1\" != --target ]; do shift; done; mkdir -p \"$2/bin\"; \
    printf '#!/bin/sh\\necho cargo-nextest 0.9.148\\n' >\"$2/bin/cargo-nextest\"; chmod 755 \"$2/bin/cargo-nextest\"";

#[test]
fn what_is_missing_is_told_first_installed_once_and_not_again() {
    let machine = Machine::new("", INSTALLS_NEXTEST);
    let first = machine.setup().output().unwrap();
    let told = errors(&first);
    let list = told.find("- cargo-nextest: runs the tests").unwrap_or_else(|| panic!("no list: {told}"));
    let work = told.find("fetch cargo-nextest 0.9.148 …").unwrap_or_else(|| panic!("no work: {told}"));
    assert!(list < work, "{told}");
    assert!(told.contains("to call `cargo nextest` yourself: export PATH="), "{told}");
    assert!(machine.notes().contains("python3 -m pip install --require-hashes "), "{}", machine.notes());
    assert!(machine.notes().contains("apt-get download "), "{}", machine.notes());
    let notes = machine.notes();
    assert!(notes.contains(" libssl3t64 ") && !notes.contains('|'), "the name that this distribution has: {notes}");

    // There is no engine in the end, and that is an error which says what to do.
    assert_eq!(first.status.code(), Some(1), "{told}");
    assert!(
        told.contains("unix:///nonexistent/engine.sock") && told.contains("(from DOCKER_HOST): start it there"),
        "{told}"
    );

    let before = machine.notes();
    let second = machine.setup().output().unwrap();
    assert!(!errors(&second).contains("- cargo-nextest"), "{}", errors(&second));
    assert_eq!(machine.notes(), before);
}

#[test]
fn a_runner_that_is_too_old_for_our_configuration_is_replaced() {
    let machine = Machine::new("", INSTALLS_NEXTEST);
    machine.program("cargo-nextest", "echo cargo-nextest 0.9.100");
    let first = machine.setup().output().unwrap();
    assert!(errors(&first).contains("- cargo-nextest: runs the tests"), "{}", errors(&first));
    assert!(machine.notes().contains("python3 -m pip install --require-hashes "), "{}", machine.notes());
    let second = machine.setup().output().unwrap();
    assert!(!errors(&second).contains("- cargo-nextest"), "{}", errors(&second));
}

#[test]
fn a_failing_installer_is_quoted() {
    let machine = Machine::new("", "echo 'no space left on this disk' >&2; exit 101");
    let output = machine.setup().output().unwrap();
    let told = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("no space left on this disk") && told.contains("fetch-cargo-nextest-0-9-148.log"), "{told}");
}

#[test]
fn an_interrupt_ends_a_build() {
    let machine = Machine::new("", "exec sleep 300");
    let (output, took) = machine.interrupted_at("python3 -m pip");
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_interrupt_lets_the_package_manager_finish() {
    let machine = Machine::new("sleep 1; echo finished >>\"${0%/*}/../notes\"", INSTALLS_NEXTEST);
    let (output, _) = machine.interrupted_at("apt-get download");
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(machine.notes().contains("finished"), "{}", machine.notes());
}
