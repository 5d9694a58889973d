//! One case: folders of its own, runs in it, and an auditor.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::{Duration, SystemTime},
};

use kind_engine::{ContainerFacts, DockerEngine, Engine};
use kind_harness::{
    Settings,
    wait::{Check, until_every},
};
use kind_testkit::Auditor;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::project::Project;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(50);
/// The longest that anything here takes, on a machine with other things to do: beside three busy loops on two processors a
/// case took up to four minutes. The test runner's limit is ten.
const LIMIT: Duration = Duration::from_secs(480);

/// One case.
pub(crate) struct Case {
    folder: tempfile::TempDir,
    pub(crate) engine: DockerEngine,
    pub(crate) auditor: Auditor,
    runs: u32,
}

/// A runner that was started.
pub(crate) struct Run {
    runner: Child,
    output: PathBuf,
}

/// Carries out a case in the copy of the fixture, and audits it. Without an engine it says so.
pub(crate) fn play(case: impl AsyncFnOnce(&Project, &mut Case)) {
    play_alone(async |found| case(&Project::new(), found).await);
}

/// The same without the copy.
pub(crate) fn play_alone(case: impl AsyncFnOnce(&mut Case)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let settings = Settings::from_environment().expect("settings");
        let engine = match DockerEngine::find(&settings.engine).await {
            Ok(engine) => engine,
            Err(error) if settings.require => panic!("find an engine: {error}"),
            Err(error) => return eprintln!("SKIPPED: {error}"),
        };
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        for name in ["state", "temporary", "notes"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let auditor = Auditor::new(&folder.path().join("state"), &folder.path().join("temporary"));
        let mut found = Case { folder, engine, auditor, runs: 0 };
        case(&mut found).await;
        found.assert_nothing_left().await;
    });
}

impl Case {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder().join("temporary")
    }

    pub(crate) fn notes(&self) -> PathBuf {
        self.folder().join("notes")
    }

    /// From now on bodies stay where they are.
    pub(crate) fn hold(&self) {
        fs::write(self.notes().join("hold"), "").expect("hold");
    }

    /// Bodies go on.
    pub(crate) fn let_go(&self) {
        fs::remove_file(self.notes().join("hold")).expect("let go");
    }

    /// Forgets which bodies ran.
    pub(crate) fn forget_bodies(&self) {
        for entry in fs::read_dir(self.notes()).expect("the notes") {
            fs::remove_file(entry.expect("a note").path()).expect("forget a note");
        }
    }

    /// Starts a run in the copy, in a process group of its own as a shell does.
    pub(crate) fn start(&mut self, project: &Project, arguments: &[&str], equip: impl FnOnce(&mut Command)) -> Run {
        self.runs += 1;
        let output = self.folder().join(format!("output-{}", self.runs));
        let mut command = project.command(self, &output, arguments);
        command.process_group(0);
        equip(&mut command);
        Run { runner: command.spawn().expect("start a run"), output }
    }

    /// Starts nextest on the tests of a filter.
    pub(crate) fn nextest(&mut self, project: &Project, filter: &str) -> Run {
        self.start(project, &["nextest", "run", "--offline", "--run-ignored", "all", "-E", filter], |_| {})
    }

    /// Waits until something is so, and looks meanwhile at what has to be gone in the end.
    pub(crate) async fn until<T>(&mut self, what: &str, holds: impl AsyncFnMut(&mut Self) -> Option<T>) -> T {
        let mut holds = holds;
        let there = until_every(EVERY, what, LIMIT, async || {
            self.auditor.look(&self.engine).await.expect("look at the engine");
            match holds(self).await {
                Some(found) => Check::Done(found),
                None => Check::not_yet("it is not so"),
            }
        });
        there.await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until the body of a test runs, and says in which process and since when.
    pub(crate) async fn body(&mut self, test: &str) -> (Pid, SystemTime) {
        self.until(&format!("the body of {test}"), async |case| {
            let note = fs::read_to_string(case.notes().join(test)).ok()?;
            let (pid, nanoseconds) = note.split_once(' ')?;
            let since = Duration::from_nanos(nanoseconds.parse().ok()?);
            Some((Pid::from_raw(pid.parse().ok()?), SystemTime::UNIX_EPOCH + since))
        })
        .await
    }

    /// Waits until a creation has come so far that there is a container.
    pub(crate) async fn creation(&mut self) {
        let before = self.auditor.containers_seen();
        self.until("a container", async |case| (case.auditor.containers_seen() > before).then_some(())).await;
    }

    /// The keepers that live.
    pub(crate) fn keepers(&self) -> Vec<Pid> {
        pids(kind_testkit::keepers(&self.state()))
    }

    /// Kills the runner, its tests and the keepers, all at once.
    pub(crate) async fn kill_everything(&mut self, run: Run, tests: &[Pid]) {
        // The runner first, or it would see its tests die; a test that waits has no note.
        let keepers = self.keepers();
        assert!(!keepers.is_empty(), "there is a keeper");
        send(run.pid(), Signal::SIGSTOP);
        let waiting = pids(kind_testkit::children(run.runner.id()));
        for process in keepers.iter().chain(tests).chain(&waiting) {
            // Some are named twice.
            let _ = kill(*process, Signal::SIGKILL);
        }
        send(run.pid(), Signal::SIGKILL);
        run.end(self).await;
    }

    /// How many containers the case has at this moment.
    pub(crate) async fn containers(&self) -> usize {
        self.facts().await.len()
    }

    /// Whether it has containers, and all of them are frozen.
    pub(crate) async fn is_paused(&self) -> bool {
        let containers = self.facts().await;
        !containers.is_empty() && containers.iter().all(|container| container.state == "paused")
    }

    async fn facts(&self) -> Vec<ContainerFacts> {
        let identity = fs::read_to_string(self.state().join("identity")).unwrap_or_default();
        let label = format!("{}#{}", identity.trim(), self.state().display());
        let label = [("io.kind-rs.state".to_owned(), label)].into();
        self.engine.containers(&label).await.expect("list the containers")
    }

    async fn assert_nothing_left(mut self) {
        let mut left = Vec::new();
        let gone = until_every(EVERY, "the end of everything", Duration::from_secs(90), async || {
            left = self.auditor.left(&self.engine).await.expect("look at the engine");
            if left.is_empty() { Check::Done(()) } else { Check::not_yet(left.join("\n")) }
        });
        gone.await.unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Run {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.runner.id().cast_signed())
    }

    /// Waits for its end, and returns how it ended and what it printed.
    pub(crate) async fn end(mut self, case: &mut Case) -> (ExitStatus, String) {
        let status =
            case.until("the end of the run", async |_| self.runner.try_wait().expect("wait for the run")).await;
        let printed = fs::read(&self.output).expect("the output");
        (status, String::from_utf8_lossy(&printed).into_owned())
    }

    /// The same for a run that has to pass, with nothing left over that its runner could see.
    pub(crate) async fn pass(self, case: &mut Case) -> String {
        let (status, printed) = self.end(case).await;
        assert!(status.success(), "{printed}");
        assert!(!printed.contains("LEAK") && !printed.contains("SIGKILL"), "{printed}");
        printed
    }
}

fn pids(numbers: Vec<u32>) -> Vec<Pid> {
    numbers.into_iter().map(|number| Pid::from_raw(number.cast_signed())).collect()
}

pub(crate) fn send(process: Pid, signal: Signal) {
    kill(process, signal).unwrap_or_else(|error| panic!("send {signal} to {process}: {error}"));
}
