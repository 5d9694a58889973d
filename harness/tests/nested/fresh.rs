//! Fresh clusters: prepared once over all processes and runs, each a test's own, and nothing left of any of them.

use std::{fs, sync::Arc};

use kind_engine::{DockerEngine, Engine};
use kind_harness::Settings;
use kind_lease::{Effect, Extent, SweepOutcome, collect};
use nix::sys::signal::Signal;

use crate::{
    case::{Case, play_alone, send},
    project::Project,
};

/// How often the preparation ran.
fn installed(case: &Case) -> usize {
    fs::read_to_string(case.notes().join("installed")).map_or(0, |notes| notes.lines().count())
}

/// Removes the templates, as `kind-rs gc --all` does, and says how many went.
async fn forget_templates(case: &Case) -> usize {
    let mut settings = Settings::from_environment().expect("settings");
    settings.state_dir = Some(case.state());
    let engine = DockerEngine::find(&settings.engine).await.expect("an engine");
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let gone = std::cell::Cell::new(0);
    let tell = |swept: kind_lease::Swept| match swept.outcome {
        SweepOutcome::Gone(_) if swept.what.starts_with("template ") => gone.set(gone.get() + 1),
        SweepOutcome::Failed(why) => panic!("{}: {why}", swept.what),
        _ => {}
    };
    collect(&settings, engine, Extent::Spare, Effect::Remove, &tell).await.expect("a sweep");
    gone.get()
}

#[test]
fn prepared_once_and_again_when_its_input_changed() {
    play_alone(async |case| {
        let project = Project::of_fresh("fresh", "one");
        case.nextest(&project, "all()").pass(case).await;
        assert_eq!(installed(case), 1, "two processes, one template");
        case.nextest(&project, "test(first)").pass(case).await;
        assert_eq!(installed(case), 1, "the template of the run before");
        let project = Project::of_fresh("fresh", "two");
        case.nextest(&project, "test(first)").pass(case).await;
        assert_eq!(installed(case), 2, "another input");
        case.until("the end of the clusters", async |case| (case.containers().await == 0).then_some(())).await;
        assert_eq!(forget_templates(case).await, 1, "the second took the place of the first");
    });
}

/// The one that prepares is killed, then the preparation fails: the next one begins anew, and one failure is everybody's.
#[test]
fn a_preparation_that_is_cut_off_or_fails() {
    play_alone(async |case| {
        let project = Project::of_fresh("fresh-broken", "broken");
        case.hold();
        let run = case.nextest(&project, "test(first)");
        let (test, _) = case.body("install").await;
        send(test, Signal::SIGKILL);
        run.end(case).await;
        case.until("the end of its cluster", async |case| (case.containers().await == 0).then_some(())).await;
        case.let_go();
        let (status, printed) = case.nextest(&project, "all()").end(case).await;
        assert!(!status.success() && printed.contains("the seed is broken"), "{printed}");
        assert!(printed.contains("could not be made earlier in this run"), "{printed}");
        assert_eq!(installed(case), 1, "the other test of the run does not try again: {printed}");
        assert_eq!(forget_templates(case).await, 0);
    });
}
