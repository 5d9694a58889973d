//! The one function that an expanded `#[kind_test]` calls.

use std::{panic::Location, sync::Arc, time::Duration};

use kind_core::{
    activity::{self, Activity},
    causes::lines,
    redact::redacted,
    settings::Settings,
};
use kind_report::{Outcome, Recorder};

use super::{
    case::Case,
    ci,
    context::TestContext,
    error::EntryError,
    existing::Existing,
    from_test::FixtureError,
    host::Leases,
    interrupt::{self, say},
    judge::{Judged, hint},
    name::TestName,
    request::{Request, TestMeta},
    stage::Stage,
    verdict::{Ended, Verdict},
};

/// How long what a test left on its runtime's threads may go on.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// Carries out a test and tells the test runner how it ended.
///
/// # Panics
/// That is how a test fails that returns nothing.
#[track_caller]
pub fn run<F, Make, Body, V>(meta: TestMeta, request: Request, test: F) -> V
where
    F: FnOnce(TestContext) -> Make,
    Make: Future<Output = Result<Body, FixtureError>>,
    Body: Future<Output = Judged>,
    V: Verdict,
{
    let at = Location::caller();
    V::tell(perform(meta, request, (at.file(), at.line()), test), request.should_panic)
}

fn perform<F, Make, Body>(meta: TestMeta, request: Request, at: (&str, u32), test: F) -> Ended
where
    F: FnOnce(TestContext) -> Make,
    Make: Future<Output = Result<Body, FixtureError>>,
    Body: Future<Output = Judged>,
{
    let activity = Arc::new(Activity::default());
    let prepare = || -> Result<(Settings, tokio::runtime::Runtime), EntryError> {
        let settings = Settings::from_environment().map_err(|source| EntryError::Settings { source })?;
        Ok((settings, request.runtime.build(&activity)?))
    };
    let (settings, runtime) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => return Ended::Failed(format!("{}::{}: failed to {}", meta.module, meta.name, lines(&error))),
    };
    let name = TestName::new(&meta, settings.test.as_deref(), settings.attempt);
    let settings = &settings;
    let recorder = &Recorder::new(settings);
    let _entered = activity::enter(&activity);
    let case = Arc::new(Case::new(name, activity, settings));
    let (running, told) = (interrupt::register(&case), Arc::clone(&case));
    let signals = running.clone();
    let ended = if let Some(which) = &settings.existing {
        let host = Existing { which, settings };
        runtime.block_on(Stage { host, settings, meta, request, case, running, recorder }.perform(test))
    } else {
        runtime
            .block_on(Stage { host: Leases(settings), settings, meta, request, case, running, recorder }.perform(test))
    };
    let hint = hint(&ended.reason());
    let ended = match ended {
        Ended::Failed(reason) => {
            let reason = hint.map_or_else(|| reason.clone(), |hint| format!("{reason}\n  {hint}"));
            Ended::Failed(redacted(&reason))
        }
        Ended::Panicked(payload) => {
            // Its own message is printed already.
            if let Some(hint) = hint {
                eprintln!("{hint}");
            }
            Ended::Panicked(payload)
        }
        other => other,
    };
    if signals.came().is_some() && settings.test.is_none() {
        // The process ends before the test runner would tell.
        say(&redacted(&ended.reason()));
    }
    runtime.shutdown_timeout(STRAGGLERS);
    let (outcome, reason) = ended.outcome(request.should_panic);
    recorder.judged(outcome, reason.as_deref());
    recorder.done();
    if let (Some(ci), Outcome::Failed) = (settings.ci, outcome) {
        let reason = redacted(reason.as_deref().unwrap_or_default());
        if let Some(line) = ci::line(ci, told.name.as_str(), &reason, at, told.bundle().as_deref()) {
            println!("{line}");
        }
    }
    ended
}
