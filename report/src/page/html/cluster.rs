//! A cluster: what it is, how it came up step by step, and when it could be used.

use maud::{Markup, html};

use super::{
    axis::Axis,
    details::links,
    text::{clean, count, length, moment},
};
use crate::page::{
    Run,
    history::{BringUp, End, Fate, History},
    model::Lane,
};

/// From how many clusters on only bring-ups that failed are open.
const MANY: usize = 5;

pub(super) fn name(lane: &Lane) -> Markup {
    html! {
        @match &lane.cluster {
            Some(history) => code { (clean(&history.name)) },
            None => "No cluster",
        }
    }
}

/// A few words under the name.
pub(super) fn about(run: &Run, lane: &Lane) -> Markup {
    let label = lane.label.as_deref().map(clean);
    let Some(history) = &lane.cluster else {
        return html! { @if let Some(label) = label { p.about { "wanted: " (label) } } };
    };
    let version = history.facts.as_ref().map(|facts| clean(&facts.version));
    let origin = match history.bring_ups.is_empty() {
        true => "made elsewhere".to_owned(),
        false if run.is_made_here(history) => "made in this run".to_owned(),
        false => format!("made before this run, {}", moment(history.bring_ups[0].began).0),
    };
    html! {
        p.about {
            @if let Some(label) = label { (label) " · " }
            @if let Some(version) = version { "Kubernetes " (version) " · " }
            @if history.fate != Fate::Failed { (origin) " · " }
            (fate(run, history))
        }
        @if let Fate::Kept(tests) = &history.fate {
            @if !tests.is_empty() {
                p.about { "It stays for a look because of " (clean(&tests.join(", "))) "." }
            }
        }
    }
}

fn fate(run: &Run, history: &History) -> Markup {
    let (class, text) = match &history.fate {
        Fate::Unknown => ("mute", "what became of it is not recorded".to_owned()),
        Fate::Making => ("going", "being brought up".to_owned()),
        Fate::Failed => ("bad", "could not be brought up".to_owned()),
        Fate::Up(Some(idle)) => ("good", format!("stays for later runs, until unused for {}", length(idle * 1000))),
        Fate::Up(None) if run.live => ("good", "up".to_owned()),
        Fate::Up(None) => ("good", "up when this was written".to_owned()),
        Fate::Kept(_) => ("kept", "kept for a look".to_owned()),
        Fate::Removed => ("mute", "removed".to_owned()),
        Fate::Left(why) => ("bad", format!("could not be removed: {}", clean(why))),
    };
    html! { span.fate.(class) { (text) } }
}

/// Every bring-up as a chart of its steps, and what else happened.
pub(super) fn bring_ups(run: &Run, history: &History, base: &str) -> Markup {
    let few = run.lanes.len() < MANY;
    html! {
        @for one in run.bring_ups(history) {
            @let failed = matches!(one.end, End::Failed(_) | End::CutOff);
            details.bring-up open[failed || few] {
                summary { (heading(one)) }
                @if let End::Failed(error) = &one.end { pre.reason { (clean(error)) } }
                @if !one.steps.is_empty() { (steps(one)) }
            }
        }
        @if let Some(logs) = &history.logs { (links(logs, base)) }
        @if !history.notes.is_empty() {
            ul.notes {
                @for (at, text) in &history.notes {
                    @let (when, machine) = moment(*at);
                    li { time datetime=(machine) { (when) } " " (clean(text)) }
                }
            }
        }
    }
}

fn heading(one: &BringUp) -> Markup {
    let took = length(one.until - one.began);
    let which = if one.attempt > 1 { format!("Attempt {}: ", one.attempt) } else { String::new() };
    let (class, text) = match one.end {
        End::Ready => ("good", format!("brought up in {took}")),
        End::Failed(_) => ("bad", format!("failed after {took}")),
        End::CutOff => ("bad", format!("broken off after {took}")),
        End::Going => ("going", format!("for {took} so far")),
    };
    html! { (which) span class=(class) { (text) } }
}

fn steps(one: &BringUp) -> Markup {
    let axis = Axis::new(one.began, one.until);
    html! {
        div.chart.steps style=(axis.grid()) {
            div.scale { span { (count(one.steps.len(), "step")) } span {} (axis.ticks()) }
            @for step in &one.steps {
                @let end = step.ended.unwrap_or(one.until);
                @let class = match (step.well, step.ended) {
                    (false, _) => "failed",
                    (true, Some(_)) => "did",
                    (true, None) if one.end == End::Going => "running",
                    (true, None) => "killed",
                };
                div.step {
                    span.name { (clean(&step.name)) }
                    span.took { (length(end - step.began)) }
                    div.track {
                        span.body.(class) style=(axis.bar(step.began, end))
                            title={ "from " (length(step.began - one.began)) " to " (length(end - one.began)) } {}
                    }
                }
            }
        }
    }
}

/// When the cluster came up and could be used, on the axis of its tests. `end` is where the axis ends.
pub(super) fn row(history: &History, axis: Axis, end: u64) -> Markup {
    html! {
        div.row {
            span.name { "cluster" }
            span.took {}
            div.track aria-hidden="true" {
                @for one in history.bring_ups.iter().filter(|one| axis.shows(one.began, one.until)) {
                    @let class = if matches!(one.end, End::Failed(_) | End::CutOff) { "failed" } else { "making" };
                    span.body.(class) style=(axis.bar(one.began, one.until))
                        title={ "bring-up: " (length(one.until - one.began)) } {}
                }
                @for (spans, class, title) in [(&history.up, "up", "ready"), (&history.paused, "paused", "paused: nobody used it")] {
                    @for (from, to) in spans.iter().map(|(from, to)| (*from, to.unwrap_or(end).max(*from))) {
                        @if axis.shows(from, to) { span.(class) style=(axis.bar(from, to)) title=(title) {} }
                    }
                }
                @if history.bring_ups.is_empty() { span.up style=(axis.bar(0, end)) title="ready" {} }
            }
        }
    }
}
