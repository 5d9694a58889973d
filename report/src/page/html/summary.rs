//! The page's head and foot: how the run ended, what it ran on, the filter, and what went wrong.

use maud::{Markup, html};

use super::text::{clean, count, first_line, length, link, moment};
use crate::page::{
    Run,
    tries::{State, Test},
};

/// The title of the browser's tab.
pub(super) fn title(run: &Run) -> String {
    format!("{} · kind-harness", verdict(run))
}

/// How the run ended, in a sentence.
fn verdict(run: &Run) -> String {
    let all = run.tests().count();
    let many = |state| run.count(state);
    let going = many(State::Running) + many(State::Waiting);
    let were = |number: usize| if number == 1 { "was" } else { "were" };
    match (many(State::Failed), many(State::Killed)) {
        (0, 0) => {}
        (failed, 0) => return format!("{failed} of {} failed", count(all, "test")),
        (0, killed) => return format!("{killed} of {} {} killed", count(all, "test"), were(killed)),
        (failed, killed) => {
            return format!("{failed} of {} failed, {killed} {} killed", count(all, "test"), were(killed));
        }
    }
    match (all, many(State::Skipped)) {
        (0, _) => "No test ran".to_owned(),
        _ if going > 0 => format!("{going} of {} under way", count(all, "test")),
        (_, skipped) if skipped == all => format!("{} skipped", count(all, "test")),
        (_, 0) => format!("{} passed", count(all, "test")),
        (_, skipped) => format!("{} passed, {skipped} skipped", count(all - skipped, "test")),
    }
}

fn mood(run: &Run) -> &'static str {
    let any = |states: &[State]| states.iter().any(|state| run.count(*state) > 0);
    if any(&[State::Failed, State::Killed]) {
        "bad"
    } else if run.live || any(&[State::Running, State::Waiting]) {
        "going"
    } else if any(&[State::Passed, State::Flaky]) {
        "good"
    } else {
        "mute"
    }
}

pub(super) fn summary(run: &Run) -> Markup {
    let (when, machine) = moment(run.span.0);
    let (now, now_machine) = moment(run.now);
    html! {
        header.head.(mood(run)) {
            p.eyebrow { "kind-harness test run" }
            h1 { (verdict(run)) }
            p.when {
                time datetime=(machine) { (when) }
                " · took " (length(run.took()))
                @if run.live { " · " span.going { "as of " time datetime=(now_machine) { (now) } ", while the run went on" } }
            }
            (proportions(run))
            (facts(run))
        }
    }
}

/// One bar for the whole run.
fn proportions(run: &Run) -> Markup {
    let states = State::ALL.map(|state| (state, run.count(state)));
    let words: Vec<String> =
        states.iter().filter(|(_, many)| *many > 0).map(|(state, many)| format!("{many} {}", state.word())).collect();
    html! {
        @if !words.is_empty() {
            div.proportions role="img" aria-label=(words.join(", ")) {
                @for (state, many) in states {
                    @if many > 0 { span class=(state.word()) style={ "flex-grow:" (many) } title={ (many) " " (state.word()) } {} }
                }
            }
        }
    }
}

fn facts(run: &Run) -> Markup {
    let facts = || run.lanes.iter().filter_map(|lane| lane.cluster.as_ref()?.facts.as_ref());
    let distinct = |mut values: Vec<String>| {
        values.sort();
        values.dedup();
        values.join(", ")
    };
    let versions = distinct(facts().map(|it| it.version.clone()).collect());
    let ordered = run.lanes.iter().filter_map(|lane| Some(lane.cluster.as_ref()?.ordered.as_ref()?.image.clone()));
    let images = distinct(facts().map(|it| it.image.clone()).chain(ordered).collect());
    let settings: Vec<String> = run.head.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let machine = run.machine.clone().unwrap_or_default();
    let rows: [(&str, String); 8] = [
        ("Clusters", clusters(run)),
        ("Kubernetes", versions),
        ("Node image", images),
        ("Engine", machine.engine),
        ("Machine", machine.system),
        ("Settings", if settings.is_empty() { "as they are by default".to_owned() } else { settings.join("\n") }),
        ("Run", run.head.run.clone()),
        ("Harness", run.head.harness.clone()),
    ];
    html! {
        dl.facts {
            @for (name, value) in rows {
                @if !value.is_empty() { div { dt { (name) } dd { (clean(&value)) } } }
            }
        }
    }
}

fn clusters(run: &Run) -> String {
    let (made, before, failed) = run.clusters();
    let mut parts = Vec::new();
    if made > 0 {
        parts.push(format!("{made} made"));
    }
    if before > 0 {
        parts.push(format!("{before} made before this run"));
    }
    if failed > 0 {
        parts.push(format!("{failed} could not be brought up"));
    }
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// What narrows the page down. Choosing states works without a script.
pub(super) fn filter(run: &Run) -> Markup {
    html! {
        form.filter role="search" aria-label="Tests" {
            label.text {
                span.unseen { "Filter tests by text" }
                input #text type="search" placeholder="Filter tests" autocomplete="off" spellcheck="false";
                kbd aria-hidden="true" { "/" }
            }
            fieldset {
                legend.unseen { "Show tests that" }
                @for state in State::ALL {
                    @let many = run.count(state);
                    @if many > 0 {
                        label.chip.(state.word()) {
                            input type="checkbox" name=(state.word()) checked autocomplete="off";
                            i.mark aria-hidden="true" {}
                            (state.word()) " " b { (many) }
                        }
                    }
                }
            }
            label.sort {
                "Sort "
                select #sort autocomplete="off" {
                    option value="began" selected { "by start" }
                    option value="took" { "longest first" }
                    option value="name" { "by name" }
                    option value="state" { "by outcome" }
                }
            }
            output #shown aria-live="polite" {}
        }
    }
}

/// Every test that somebody has to look at, and what could not be shown.
pub(super) fn problems(run: &Run) -> Markup {
    let tests = run.lanes.iter().enumerate().flat_map(|(lane, it)| {
        it.tests.iter().enumerate().map(move |(index, test)| (format!("t{lane}-{index}"), test))
    });
    let mut bad: Vec<(String, &Test)> = tests.filter(|(_, test)| test.state.is_bad()).collect();
    bad.sort_by_key(|(_, test)| (test.state, test.began()));
    html! {
        @if run.unread > 0 {
            p.warning { (count(run.unread, "record")) " could not be read and " (if run.unread == 1 { "is" } else { "are" }) " missing here." }
        }
        @if !bad.is_empty() {
            section.problems {
                h2 { "To look at" }
                ol {
                    @for (anchor, test) in &bad {
                        @let reason = test.last().reason.as_deref().map(clean).unwrap_or_default();
                        li class=(test.state.word()) {
                            i.mark aria-hidden="true" {}
                            div {
                                a href={ "#" (anchor) } { (clean(&test.last().test)) }
                                p { (if reason.is_empty() { "its process ended without a word" } else { first_line(&reason) }) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn foot(run: &Run, base: &str) -> Markup {
    let (now, machine) = moment(run.now);
    html! {
        footer {
            p { "Written " time datetime=(machine) { (now) } ". A link leads to what is there now: the next run replaces what a test left." }
            @if !run.others.is_empty() {
                p {
                    "Earlier and other runs: "
                    @for (index, other) in run.others.iter().enumerate() {
                        @let (when, machine) = moment(other.began);
                        @if index > 0 { ", " }
                        a href=(link(base, &other.path)) { time datetime=(machine) { (when) } }
                    }
                }
            }
        }
    }
}
