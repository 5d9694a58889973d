//! `kind-rs conformance run`.

use std::{fs, path::Path, time::Instant};

use kind_conformance::{
    About, Catalog, Completeness, Folder, Runner, Spec, Stop, Stopper, capacity, junit, run_all, submission_folder,
    submit,
};

use super::{choose::choose, prepare::prepare, tally::span, watch::Show};
use crate::{
    args::ConformanceRun,
    failure::{ConformanceFailure, Failure},
    output::print,
    session::Session,
    signals::{Signal, Signals},
};

pub(crate) async fn run(session: &Session<'_>, mut args: ConformanceRun) -> Result<(), Failure> {
    let specs = std::mem::take(&mut args.specs);
    let (catalog, chosen) = choose(specs)?;
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let stopper = Stopper::default();
    let stop = stopper.stop();
    let work = Box::pin(work(session, &args, catalog, &chosen, &stop));
    tokio::pin!(work);
    let mut first: Option<Signal> = None;
    let mut count = 0_u32;
    loop {
        tokio::select! {
            done = &mut work => return match (done?, first) {
                (Way::Stopped, Some(signal)) => Err(ConformanceFailure::Stopped { signal }.into()),
                _ => Ok(()),
            },
            signal = signals.next() => {
                let signal = *first.get_or_insert(signal);
                count += 1;
                match count {
                    1 => session.console.note(&format!("{signal}: running specs clean up and end; once more kills them")),
                    2 => session.console.note("killing what runs"),
                    _ => return Err(ConformanceFailure::Stopped { signal }.into()),
                }
                stopper.ask();
            }
        }
    }
}

/// How the work ended, where nothing failed.
enum Way {
    Done,
    Stopped,
}

async fn work(
    session: &Session<'_>,
    args: &ConformanceRun,
    catalog: &'static Catalog,
    chosen: &[&'static Spec],
    stop: &Stop,
) -> Result<Way, Failure> {
    let start = Instant::now();
    let Some(prepared) = prepare(session, args, catalog, stop).await? else { return Ok(Way::Stopped) };
    let todo = todo(args, chosen, &prepared.folder)?;
    let at_once = args.parallel.unwrap_or_else(capacity);
    session.console.note(&outline(session, chosen, &todo, at_once.get(), prepared.folder.path()));
    let images = prepared.images;
    let mut is_over = true;
    // What went wrong beside the specs' results. It is told when these are written.
    let mut broken: Option<Failure> = None;
    let (runner, folder, cluster) = if todo.is_empty() {
        (prepared.runner, prepared.folder, prepared.cluster)
    } else {
        let Some(ready) = prepared.cluster(session, args, catalog, stop).await? else { return Ok(Way::Stopped) };
        let (runner, folder, cluster) = ready;
        let runner = runner.sharing_processes(&todo, at_once.get());
        let show = Show::new(session.console, &folder, &todo, at_once.get());
        run_all(&runner, &todo, at_once, stop, &show).await;
        let ended = runner.end().await.map_err(ConformanceFailure::from);
        match show.done() {
            Ok(every_spec_has_a_result) => is_over = every_spec_has_a_result,
            Err(failure) => (is_over, broken) = (false, Some(failure)),
        }
        broken = broken.or(ended.err().map(Failure::from));
        (runner, folder, cluster)
    };
    // What was to be tried again is judged by that, everything else by all that was chosen.
    let judged = if args.rerun_failed { &todo[..] } else { chosen };
    let score = Score::of(judged, &folder)?;
    print(&score.text(start))?;
    if let Some(path) = &args.junit {
        write_junit(path, chosen, &folder)?;
    }
    let about =
        About { catalog, cluster: &cluster, program: env!("CARGO_PKG_VERSION"), at_once: at_once.get(), images };
    let certificate = if args.certified { Some(certify(session, &folder, &runner, about, is_over)?) } else { None };
    if let Some(failure) = broken {
        return Err(failure);
    }
    match certificate {
        // Only who is stopped leaves specs out.
        _ if !is_over => Ok(Way::Stopped),
        Some(complete) if !complete.is_complete() => Err(ConformanceFailure::Incomplete {
            failed: complete.failed.len(),
            missing: complete.missing.len(),
            without_log: complete.without_log.len(),
        }
        .into()),
        _ if score.is_full() => Ok(Way::Done),
        _ => Err(ConformanceFailure::Specs {
            failed: score.failed.len(),
            missing: score.missing.len(),
            all: judged.len(),
        }
        .into()),
    }
}

/// The specs that are to run now.
fn todo(
    args: &ConformanceRun,
    chosen: &[&'static Spec],
    folder: &Folder,
) -> Result<Vec<&'static Spec>, ConformanceFailure> {
    let recorded = folder.recorded()?;
    let is_wanted = |spec: &&&Spec| match recorded.get(spec.test) {
        None => !args.rerun_failed,
        // Evidence is what happened at the first try.
        Some(result) => !result.passed && !args.certified,
    };
    Ok(chosen.iter().filter(is_wanted).copied().collect())
}

fn outline(session: &Session<'_>, chosen: &[&Spec], todo: &[&Spec], at_once: usize, folder: &Path) -> String {
    let serial = todo.iter().filter(|spec| spec.is_serial()).count();
    let (all, run) = (chosen.len(), todo.len());
    let parallel = run - serial;
    let folder = session.shown(folder);
    format!("{run} of {all} specs to run: {parallel} by {at_once} at once, then {serial} alone; results in {folder}")
}

/// How the specs stand that are to pass.
struct Score {
    passed: usize,
    failed: Vec<&'static str>,
    missing: Vec<&'static str>,
}

impl Score {
    fn of(specs: &[&'static Spec], folder: &Folder) -> Result<Self, ConformanceFailure> {
        let recorded = folder.recorded()?;
        let mut score = Self { passed: 0, failed: Vec::new(), missing: Vec::new() };
        for spec in specs {
            match recorded.get(spec.test) {
                None => score.missing.push(spec.test),
                Some(result) if result.passed => score.passed += 1,
                Some(_) => score.failed.push(spec.test),
            }
        }
        Ok(score)
    }

    fn is_full(&self) -> bool {
        self.failed.is_empty() && self.missing.is_empty()
    }

    fn text(&self, start: Instant) -> String {
        let (passed, failed, missing) = (self.passed, self.failed.len(), self.missing.len());
        let counts =
            format!("{passed} passed, {failed} failed, {missing} without a result ({})", span(start.elapsed()));
        let names = self.failed.iter().map(|name| format!("  failed: {name}"));
        std::iter::once(counts).chain(names).collect::<Vec<_>>().join("\n")
    }
}

fn write_junit(path: &Path, specs: &[&Spec], folder: &Folder) -> Result<(), ConformanceFailure> {
    let text = junit(specs, &folder.recorded()?, &folder.failures()?);
    let written = text.map_err(std::io::Error::other).and_then(|text| fs::write(path, text));
    written.map_err(|source| ConformanceFailure::Junit { path: path.to_owned(), source })
}

/// Writes the submission and, where no more specs are to come, names everything that it lacks.
fn certify(
    session: &Session<'_>,
    folder: &Folder,
    runner: &Runner,
    about: About<'_>,
    is_over: bool,
) -> Result<Completeness, Failure> {
    let complete = submit(folder, runner, about).map_err(ConformanceFailure::Folder)?;
    let path = submission_folder(folder);
    session.console.note(&format!("submission: {}", session.shown(&path)));
    if !is_over {
        // What is missing now is what the next run goes on with.
        return Ok(complete);
    }
    for (what, names) in [("missing", &complete.missing), ("without a log", &complete.without_log)] {
        for name in names {
            print(&format!("  {what}: {name}"))?;
        }
    }
    if !complete.product.is_empty() {
        let fields = complete.product.join(", ");
        session.console.note(&format!("before you submit it, fill in PRODUCT.yaml: {fields}"));
    }
    Ok(complete)
}
