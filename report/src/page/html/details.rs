//! What is shown of a test when it is opened: each attempt with its phases, why it failed, and what it left.

use maud::{Markup, html};

use super::{
    lane::access,
    text::{clean, length, link, moment},
};
use crate::page::{
    model::Bundle,
    tries::{State, Test, Try},
};

pub(super) fn details(test: &Test, base: &str) -> Markup {
    let many = test.tries.len() > 1;
    html! {
        div.details {
            @for (index, one) in test.tries.iter().enumerate() {
                div.try {
                    @if many {
                        h3 { i.mark.(one.state.word()) aria-hidden="true" {} "Try " (index + 1) ": " (one.state.word()) }
                    }
                    @if one.state == State::Killed {
                        p { "Its process ended without recording an end: it was killed, or it aborted. What is shown is what it had done until then." }
                    }
                    @if let Some(reason) = &one.reason { pre.reason { (clean(reason)) } }
                    @if let Some(bundle) = &one.bundle { (links(bundle, base)) }
                    (phases(one))
                }
            }
        }
    }
}

/// Links to a folder and to what is in it.
pub(super) fn links(bundle: &Bundle, base: &str) -> Markup {
    html! {
        p.links {
            "Left: "
            a href=(link(base, &format!("{}/", bundle.folder))) { (clean(&bundle.folder)) "/" }
            @if !bundle.entries.is_empty() {
                ": "
                @for (index, entry) in bundle.entries.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href=(link(base, &format!("{}/{entry}", bundle.folder))) { (clean(entry)) }
                }
            }
        }
    }
}

fn phases(one: &Try) -> Markup {
    let (when, machine) = moment(one.began);
    let body_ends = one.judged.unwrap_or(one.until);
    let prepared = one.attached.zip(one.running).map(|(attached, running)| running - attached);
    let body = one.running.map(|running| body_ends - running);
    let after = one.judged.map(|judged| one.until - judged).filter(|_| one.running.is_some());
    let phases = [
        ("waited for a cluster", Some(one.waited())),
        ("made a client and a namespace", prepared),
        ("ran the body", body),
        ("cleaned up", after),
    ];
    html! {
        dl.facts {
            div { dt { "Began" } dd { time datetime=(machine) { (when) } } }
            @for (name, took) in phases {
                @if let Some(took) = took { div { dt { (name) } dd { (length(took)) } } }
            }
            @if let Some(namespace) = &one.namespace { div { dt { "Namespace" } dd { code { (clean(namespace)) } } } }
            div { dt { "Access" } dd { (access(one.access)) } }
            div { dt { "Package" } dd { (clean(&one.package)) } }
            @if let Some(cluster) = &one.cluster { div { dt { "Cluster" } dd { code { (clean(&cluster.name)) } } } }
        }
    }
}
