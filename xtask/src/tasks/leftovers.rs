//! What of ours is on this machine: containers, networks, volumes and detached processes. Looks only.

use std::{collections::BTreeSet, fs, os::unix::ffi::OsStrExt, time::Duration};

use kind_engine::{ContainerFacts, Engine, EngineError, Labels};

use crate::{
    context::Context,
    interrupt::Interrupted,
    names::{KEEPER_VARIABLE, LABEL_CONTAINER, LABEL_MANAGED, REPORTER_VARIABLE},
    wait::{self, Look, TimedOut},
};

/// How long a keeper may take to remove the clusters of a run that has ended.
const LIMIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// Something is left behind, or could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum LeftoverError {
    /// It is still there.
    #[error("leave nothing behind; `cargo xtask clean` removes what no test uses")]
    Left(#[from] TimedOut),
    /// The engine does not answer.
    #[error("look for what is left behind")]
    Engine(#[from] EngineError),
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What of ours is on this machine now, one line each.
pub(super) async fn look(engine: &dyn Engine) -> Result<BTreeSet<String>, EngineError> {
    let mut found = on_engine(engine).await?;
    found.extend(processes());
    Ok(found)
}

/// The part of it that is on the engine.
pub(super) async fn on_engine(engine: &dyn Engine) -> Result<BTreeSet<String>, EngineError> {
    let ours = Labels::from([(LABEL_MANAGED.to_owned(), String::new())]);
    let mut found = BTreeSet::new();
    let containers = engine.containers(&ours).await?;
    found.extend(containers.iter().filter(|one| !is_copy(one)).map(|one| format!("container {}", one.name)));
    found.extend(engine.networks(&ours).await?.into_iter().map(|network| format!("network {}", network.name)));
    found.extend(engine.volumes(&ours).await?.into_iter().map(|volume| format!("volume {}", volume.name)));
    Ok(found)
}

/// Waits until nothing is there that was not there `before`.
pub(super) async fn none_since(
    ctx: &Context,
    engine: &dyn Engine,
    before: &BTreeSet<String>,
) -> Result<(), LeftoverError> {
    let step = ctx.ui.step("wait until everything of ours is gone");
    let left =
        wait::until("the end of everything that this run made", LOOK, LIMIT, async || match look(engine).await {
            Err(error) => Look::Done(Err(error)),
            Ok(now) => match now.difference(before).cloned().collect::<Vec<String>>() {
                new if new.is_empty() => Look::Done(Ok(())),
                new => {
                    step.detail(&new.join(", "));
                    Look::NotYet(new.join(", "))
                }
            },
        });
    ctx.interrupt.unless(left).await???;
    step.done();
    ctx.ui.line("left behind: no container, no network, no volume, no process");
    Ok(())
}

/// Whether somebody started it from an image of a node, whose labels it has.
pub(super) fn is_copy(container: &ContainerFacts) -> bool {
    container.labels.get(LABEL_CONTAINER).is_some_and(|name| *name != container.name)
}

fn processes() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // A process that ends meanwhile, or another user's, is none that we look for.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        for (kind, variable) in [("keeper", KEEPER_VARIABLE), ("reporter", REPORTER_VARIABLE)] {
            if has_variable(&environment, variable) {
                found.push(format!("{kind} process {}", name.to_string_lossy()));
            }
        }
    }
    found
}

fn has_variable(environment: &[u8], name: &str) -> bool {
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_from_an_image_of_a_node_is_not_ours() {
        let labels: Labels = [(LABEL_CONTAINER.to_owned(), "demo-worker".to_owned())].into();
        let named = |name: &str| ContainerFacts { name: name.to_owned(), labels: labels.clone(), ..Default::default() };
        assert!(!is_copy(&named("demo-worker")) && is_copy(&named("debug")));
        assert!(!is_copy(&ContainerFacts::default()));
    }

    #[test]
    fn a_keeper_is_told_by_its_environment() {
        assert!(has_variable(b"A=1\0KIND_HARNESS_KEEPER=/state\0", KEEPER_VARIABLE));
        assert!(!has_variable(b"A=KIND_HARNESS_KEEPER=1\0KIND_HARNESS_KEEPER_X=1\0", KEEPER_VARIABLE));
    }
}
