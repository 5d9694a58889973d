//! What a test records of itself. It never fails the test: the first failure is told, and then the test is not in the
//! report.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use kind_core::{
    cluster::ClusterRecord, process::ProcessId, redact::redacted, scope::Scope, settings::Settings, spec::Instance,
};

use super::{
    facts,
    place::Place,
    start,
    stream::{Stream, now},
};
use crate::page::{FORMAT, Head, Outcome, Subject, TestEvent};

/// The longest reason that is recorded, in bytes; all of it is in the test's own output.
const LONGEST: usize = 16 * 1024;

/// One attempt of a test, on its way into the report.
#[derive(Debug, Default)]
pub struct Recorder {
    run: Option<Run>,
    stream: OnceLock<Stream>,
    judged: OnceLock<()>,
}

/// What is known before the test begins.
#[derive(Debug)]
struct Run {
    place: Place,
    head: Head,
}

impl Recorder {
    /// A recorder of this process' run.
    pub fn new(settings: &Settings) -> Self {
        let scope = Scope::of_run(settings);
        let place = Place::of(settings, &scope);
        let head = Head {
            format: FORMAT,
            began: now(),
            run: scope.name,
            owner: scope.owner.unwrap_or_else(ProcessId::current),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            settings: facts::settings(settings),
        };
        let run = Some(Run { place, head });
        Self { run, ..Self::default() }
    }

    /// The test asks for a cluster.
    pub fn began(&self, subject: &Subject) {
        let Some(run) = &self.run else { return };
        let begin = || {
            let stream = run.open()?;
            stream.note(&TestEvent::Began(subject.clone()))?;
            Ok(stream)
        };
        match begin() {
            Ok(stream) => _ = self.stream.set(stream),
            Err(error) => complain(&run.place, &error),
        }
        self.ensure_reporter();
    }

    /// It has a cluster.
    pub fn attached(&self, record: &ClusterRecord) {
        self.note(|| TestEvent::Attached(facts::cluster(record)));
    }

    /// Its body begins.
    pub fn running(&self, namespace: Option<&str>) {
        self.note(|| TestEvent::Running { namespace: namespace.map(str::to_owned) });
    }

    /// How it ended is known, and why. Only the first time counts.
    pub fn judged(&self, outcome: Outcome, reason: Option<&str>) {
        if self.judged.set(()).is_ok() {
            self.note(|| TestEvent::Judged { outcome, reason: reason.map(|reason| shortened(&redacted(reason))) });
        }
    }

    /// Nothing of it is left to do.
    pub fn done(&self) {
        self.note(|| TestEvent::Done);
        self.ensure_reporter();
    }

    fn note(&self, event: impl FnOnce() -> TestEvent) {
        let (Some(run), Some(stream)) = (&self.run, self.stream.get()) else { return };
        if let Err(error) = stream.note(&event()) {
            complain(&run.place, &error);
        }
    }

    /// Whoever wrote something sees to it that somebody reads it.
    fn ensure_reporter(&self) {
        let (Some(run), Some(_)) = (&self.run, self.stream.get()) else { return };
        if let Err(error) = start::ensure_reporter(&run.place) {
            complain(&run.place, &error);
        }
    }
}

impl Run {
    /// Makes the run's folder where this is its first test, and the test's file in it.
    fn open(&self) -> io::Result<Stream> {
        self.place.create()?;
        if !self.place.head_file().exists() {
            self.write_head()?;
        }
        // Numbers of processes come again, in another container at once; their files are not to.
        let name = format!("{}-{}-{}.jsonl", now(), std::process::id(), Instance::new());
        Stream::open(&self.place.tests().join(name))
    }

    /// Whoever comes first writes it, whole.
    fn write_head(&self) -> io::Result<()> {
        let file = tempfile::Builder::new().prefix("run").tempfile_in(self.place.path())?;
        fs::write(file.path(), serde_json::to_vec_pretty(&self.head)?)?;
        match file.persist_noclobber(self.place.head_file()) {
            Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(failed.error),
            _ => Ok(()),
        }
    }
}

/// Says once in a process that records fail.
fn complain(place: &Place, error: &io::Error) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::Relaxed) {
        let path: PathBuf = place.path().to_owned();
        eprintln!(
            "the report of this run will not be complete, because its records in {} fail: {error}",
            path.display()
        );
    }
}

fn shortened(reason: &str) -> String {
    if reason.len() <= LONGEST {
        return reason.to_owned();
    }
    let cut = (0..=LONGEST).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or_default();
    format!("{}\n… and {} bytes more, which the test's own output has", &reason[..cut], reason.len() - cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let long = "ü".repeat(LONGEST);
        let cut = shortened(&long);
        assert!(cut.len() < LONGEST + 100 && cut.contains("bytes more"), "{}", cut.len());
    }

    #[test]
    fn a_recorder_of_nothing_writes_nothing() {
        let recorder = Recorder::default();
        recorder.running(None);
        recorder.done();
        assert!(recorder.stream.get().is_none());
    }
}
