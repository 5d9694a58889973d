//! Commands that make or remove clusters also remove what killed tests left, as tests' keepers do.

use kind_lease::{Effect, Extent, SweepOutcome, Swept, collect};

use crate::{failure::Failure, session::Session, signals::Signals};

/// Runs a command and the sweep at the same time. Only a command that succeeds waits for the rest of the sweep, and a
/// signal ends that wait: the next sweep goes on.
pub(crate) async fn beside(
    session: &Session<'_>,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let sweep = sweep(session);
    tokio::pin!(command, sweep);
    tokio::select! {
        done = &mut command => done?,
        () = &mut sweep => return command.await,
    }
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    tokio::select! {
        () = sweep => {}
        signal = signals.next() => session.console.note(&format!("{signal}: a later run goes on with the sweep")),
    }
    Ok(())
}

async fn sweep(session: &Session<'_>) {
    // The command itself says that there is no engine.
    let Ok(engine) = session.engine().await else { return };
    let tell = |Swept { what, outcome, .. }: Swept| match outcome {
        SweepOutcome::Goes(why) => session.console.note(&format!("sweep: removing {what}: {why}")),
        SweepOutcome::Gone(_) => session.console.note(&format!("sweep: {what} is removed")),
        SweepOutcome::Failed(why) => session.console.note(&format!("sweep: {what}: {why}; `kind-rs gc` tries again")),
        _ => {}
    };
    if let Err(error) = collect(&session.settings, engine, Extent::Ownerless, Effect::Remove, &tell).await {
        session.console.note(&format!("sweep: {error}"));
    }
}
