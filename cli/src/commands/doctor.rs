//! `kind-rs doctor`.

use std::cell::Cell;

use kind_core::doctor::{Facts, Finding, Verdict, apply, findings};
use kind_images::{Release, node_image_reference};
use kind_lease::{Effect, Extent, SweepOutcome, Swept, collect};

use crate::{
    args::{Doctor, Format},
    failure::Failure,
    output::{print, print_as},
    session::Session,
};

pub(crate) async fn run(session: &Session<'_>, args: Doctor) -> Result<(), Failure> {
    let mut found = look(session).await?;
    if args.fix {
        for finding in &found {
            let Some(fix) = &finding.fix else { continue };
            match apply(fix) {
                Ok(()) => session
                    .console
                    .note(&format!("{} is now {}, until the machine starts again", fix.setting, fix.value)),
                Err(error) => session.console.note(&format!("{} cannot be set: {error}", fix.setting)),
            }
        }
        found = look(session).await?;
    }
    match args.output {
        Some(Format::Name) => {
            let wrong = found.iter().filter(|finding| finding.verdict != Verdict::Good);
            wrong.map(|finding| &finding.check).try_for_each(|check| print(check))?;
        }
        Some(form) => print_as(form, &found, [""; 0])?,
        None => print(&found.iter().map(line).collect::<Vec<_>>().join("\n"))?,
    }
    let bad = found.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if bad == 0 { Ok(()) } else { Err(Failure::Unfit { count: bad }) }
}

/// An engine that does not answer is a finding, not a failure.
async fn look(session: &Session<'_>) -> Result<Vec<Finding>, Failure> {
    let engine = session.connect().await;
    let image = session.settings.image.clone().unwrap_or_else(|| node_image_reference(Release::newest()));
    let facts = Facts::gather(engine.as_deref(), &image, &session.settings.pools).await?;
    let Ok(engine) = engine else { return Ok(findings(&facts)) };
    let (left, failed) = (Cell::new(0), Cell::new(None));
    let count = |swept: Swept| match swept.outcome {
        SweepOutcome::Goes(_) => left.set(left.get() + 1),
        SweepOutcome::Failed(why) => failed.set(Some(format!("{}: {why}", swept.what))),
        _ => {}
    };
    let looked = collect(&session.settings, engine, Extent::Ownerless, Effect::Tell, &count).await;
    let left = match (looked, failed.take()) {
        (Ok(()), None) => Ok(left.get()),
        (Ok(()), Some(why)) => Err(why),
        (Err(error), _) => Err(error.to_string()),
    };
    Ok(findings(&facts.with_left(left)))
}

fn line(finding: &Finding) -> String {
    let sign = match finding.verdict {
        Verdict::Good => '✓',
        Verdict::Doubtful => '!',
        Verdict::Bad => '✗',
    };
    let advice = if finding.advice.is_empty() { String::new() } else { format!("\n    {}", finding.advice) };
    format!("{sign} {}: {}{advice}", finding.check, finding.found)
}
