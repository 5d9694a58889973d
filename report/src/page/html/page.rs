//! The whole document.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{
    axis::Axis,
    lane::lane,
    summary::{filter, foot, problems, summary, title},
};
use crate::page::Run;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Renders a run. `base` leads from the page's folder to the artifacts and is empty or ends in `/`.
pub(crate) fn page(run: &Run, base: &str) -> String {
    let axis = Axis::new(run.span.0, run.span.1);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // Even if something of a test's were taken for a script, the browser would not run it.
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title(run)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (summary(run))
                @if run.tests().nth(1).is_some() { (filter(run)) }
                main {
                    (problems(run))
                    @for (index, one) in run.lanes.iter().enumerate() { (lane(run, one, index, axis, base)) }
                    p #nothing hidden { "No test matches the filter." }
                }
                (foot(run, base))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// What the browser may load and run: nothing from anywhere, and no script but ours.
fn policy() -> String {
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}
