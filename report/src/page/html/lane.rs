//! One cluster and its tests on a time axis. All lanes have the same axis, so that they can be compared.

use kind_core::access::Access;
use maud::{Markup, html};

use super::{
    axis::Axis,
    cluster,
    details::details,
    text::{clean, count, length},
};
use crate::page::{
    Run,
    model::Lane,
    tries::{State, Test, Try},
};

/// From how many bytes on a name may be broken within.
const LONG: usize = 36;

pub(super) fn lane(run: &Run, lane: &Lane, index: usize, axis: Axis, base: &str) -> Markup {
    html! {
        section.lane aria-labelledby={ "c" (index) } {
            header {
                h2 id={ "c" (index) } { (cluster::name(lane)) }
                (cluster::about(run, lane))
            }
            @if let Some(history) = &lane.cluster { (cluster::bring_ups(run, history, base)) }
            @if !lane.tests.is_empty() {
                div.chart style=(axis.grid()) {
                    div.scale {
                        span { (count(lane.tests.len(), "test")) }
                        span {}
                        (axis.ticks())
                    }
                    @if let Some(history) = &lane.cluster { (cluster::row(history, axis, run.span.1)) }
                    div.tests {
                        @for (row, test) in lane.tests.iter().enumerate() {
                            (one(test, &format!("t{index}-{row}"), axis, base))
                        }
                    }
                }
            }
        }
    }
}

fn one(test: &Test, anchor: &str, axis: Axis, base: &str) -> Markup {
    let last = test.last();
    // A failure is open when the page is: a reader looks for it, and paper cannot be clicked.
    html! {
        details.test id=(anchor) data-state=(test.state.word()) data-began=(test.began()) data-took=(test.took())
            open[test.state.is_bad()] {
            summary {
                span.name {
                    i.mark.(test.state.word()) aria-hidden="true" {}
                    span.unseen { (test.state.word()) ": " }
                    (name(&last.test))
                    @if last.access != Access::Shared { " " span.tag { (access(last.access)) } }
                    @if test.tries.len() > 1 { " " span.tag { (test.tries.len()) " tries" } }
                }
                span.took { (took(test)) }
                div.track aria-hidden="true" { @for one in &test.tries { (bars(one, axis)) } }
            }
            (details(test, base))
        }
    }
}

/// A test's name with its modules in the background, and places where a long one may go on in the next line.
fn name(test: &str) -> Markup {
    let test = clean(test);
    let (modules, name) = test.rsplit_once("::").map_or(("", &*test), |(modules, name)| (modules, name));
    html! {
        span.test-name {
            @for module in modules.split("::").filter(|it| !it.is_empty()) { span.module { (module) "::" wbr; } }
            @if name.len() < LONG {
                (name)
            } @else {
                @for (index, part) in name.split('_').enumerate() { @if index > 0 { "_" wbr; } (part) }
            }
        }
    }
}

pub(super) fn access(access: Access) -> &'static str {
    match access {
        Access::Shared => "shared",
        Access::Exclusive => "exclusive",
        Access::Read => "read",
        Access::Fresh => "fresh",
    }
}

/// The time that a test is said to have taken: its bodies', or how long it waited where it never began.
fn took(test: &Test) -> String {
    let body = |one: &Try| Some(one.judged.unwrap_or(one.until) - one.running?);
    let bodies: Vec<u64> = test.tries.iter().filter_map(body).collect();
    match (test.state, bodies.is_empty()) {
        (State::Killed, false) => format!("≥ {}", length(bodies.iter().sum())),
        (_, false) => length(bodies.iter().sum()),
        (State::Skipped, true) => "–".to_owned(),
        (_, true) => length(test.took()),
    }
}

/// One attempt: a thin line while it waits, a bar while its body runs, a thin line while it cleans up.
fn bars(one: &Try, axis: Axis) -> Markup {
    let body_ends = one.judged.unwrap_or(one.until);
    let body_begins = one.running.unwrap_or(body_ends);
    let state = one.state.word();
    html! {
        @if body_begins > one.began {
            span.wait style=(axis.bar(one.began, body_begins)) title={ "waited " (length(body_begins - one.began)) } {}
        }
        @if one.running.is_some() {
            span.body.(state) style=(axis.bar(body_begins, body_ends))
                title={ (state) ": the body took " (length(body_ends - body_begins)) } {}
        } @else {
            // Where it ended without a body.
            span.point.(state) style=(axis.bar(body_ends, body_ends)) title=(state) {}
        }
        @if one.until > body_ends {
            span.after style=(axis.bar(body_ends, one.until)) title={ "cleaned up in " (length(one.until - body_ends)) } {}
        }
        @if one.state == State::Killed { span.open style=(axis.bar(one.until, one.until)) title="no end was recorded" {} }
    }
}
