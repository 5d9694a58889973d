//! `kind-rs report`.

use kind_harness::recording;

use crate::{args::Report, failure::Failure, output::print, session::Session};

pub(crate) fn run(session: &Session<'_>, args: Report) -> Result<(), Failure> {
    let artifacts = args.artifacts.unwrap_or_else(|| session.settings.artifacts.clone());
    print(&recording::rewrite(&artifacts)?.display().to_string())
}
