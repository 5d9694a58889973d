//! What of ours is on this machine: containers, networks, volumes and detached processes. Looks only.

use std::{collections::BTreeSet, fs, os::unix::ffi::OsStrExt, path::Path, time::Duration};

use kind_engine::{Engine, EngineError, EngineFacts, Labels};

use crate::{
    context::Context,
    interrupt::Interrupted,
    names::{KEEPER_VARIABLE, LABEL_MANAGED, REPORTER_VARIABLE},
    wait::{self, Look, TimedOut},
};

/// How long a keeper may take to remove the clusters of a run that has ended.
const LIMIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// Something is left behind, or could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum LeftoverError {
    /// It is still there.
    #[error("leave nothing behind; `cargo xtask clean` removes it")]
    Left(#[from] TimedOut),
    /// The engine does not answer.
    #[error("look for what is left behind")]
    Engine(#[from] EngineError),
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What of ours is on this machine now, one line each.
pub(super) async fn look(engine: &dyn Engine, facts: &EngineFacts) -> Result<BTreeSet<String>, EngineError> {
    let ours = Labels::from([(LABEL_MANAGED.to_owned(), String::new())]);
    let mut found = BTreeSet::new();
    found.extend(engine.containers(&ours).await?.into_iter().map(|container| format!("container {}", container.name)));
    found.extend(engine.networks(&ours).await?.into_iter().map(|network| format!("network {}", network.name)));
    found.extend(volumes(facts));
    found.extend(processes());
    Ok(found)
}

/// Waits until nothing is there that was not there `before`.
pub(super) async fn none_since(
    ctx: &Context,
    engine: &dyn Engine,
    facts: &EngineFacts,
    before: &BTreeSet<String>,
) -> Result<(), LeftoverError> {
    let step = ctx.ui.step("wait until everything of ours is gone");
    let left = wait::until("the end of everything that this run made", LOOK, LIMIT, async || {
        match look(engine, facts).await {
            Err(error) => Look::Done(Err(error)),
            Ok(now) => match now.difference(before).cloned().collect::<Vec<String>>() {
                new if new.is_empty() => Look::Done(Ok(())),
                new => {
                    step.detail(&new.join(", "));
                    Look::NotYet(new.join(", "))
                }
            },
        }
    });
    ctx.interrupt.unless(left).await???;
    step.done();
    ctx.ui.line("left behind: no container, no network, no volume, no process");
    Ok(())
}

/// Volumes without a name cannot carry our labels, so all that are new count. Only root sees the engine's folder; other
/// users learn of containers, with which such volumes come and go.
pub(super) fn volumes(facts: &EngineFacts) -> Vec<String> {
    volumes_in(Path::new(&facts.root_dir))
}

fn volumes_in(root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join("volumes")) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| format!("volume {}", entry.file_name().to_string_lossy())).collect()
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
    fn a_keeper_is_told_by_its_environment() {
        assert!(has_variable(b"A=1\0KIND_HARNESS_KEEPER=/state\0", KEEPER_VARIABLE));
        assert!(!has_variable(b"A=KIND_HARNESS_KEEPER=1\0KIND_HARNESS_KEEPER_X=1\0", KEEPER_VARIABLE));
    }

    #[test]
    fn volumes_are_folders() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("volumes/abc")).unwrap();
        fs::write(root.path().join("volumes/metadata.db"), "").unwrap();
        assert_eq!(volumes_in(root.path()), ["volume abc"]);
    }
}
