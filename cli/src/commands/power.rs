//! `kind-rs start cluster`, `stop`, `restart`, `pause` and `unpause`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kind_core::{power, spec::ClusterName};
use kind_engine::Engine;

use crate::{
    args::{Pause, Restart, Start, StartCluster, Stop, StopCluster, Unpause},
    failure::Failure,
    session::Session,
};

/// What is done to the containers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Start,
    Stop,
    Restart,
    Pause,
    Unpause,
}

pub(crate) async fn start(session: &Session<'_>, Start::Cluster(args): Start) -> Result<(), Failure> {
    up(session, Verb::Start, args).await
}

pub(crate) async fn stop(session: &Session<'_>, Stop::Cluster(args): Stop) -> Result<(), Failure> {
    down(session, Verb::Stop, args).await
}

pub(crate) async fn restart(session: &Session<'_>, Restart::Cluster(args): Restart) -> Result<(), Failure> {
    up(session, Verb::Restart, args).await
}

pub(crate) async fn pause(session: &Session<'_>, Pause::Cluster(args): Pause) -> Result<(), Failure> {
    down(session, Verb::Pause, args).await
}

pub(crate) async fn unpause(session: &Session<'_>, Unpause::Cluster(args): Unpause) -> Result<(), Failure> {
    up(session, Verb::Unpause, args).await
}

async fn down(session: &Session<'_>, verb: Verb, args: StopCluster) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.given(), None)?;
    let engine = session.engine().await?;
    act(session, &engine, verb, &name).await
}

async fn up(session: &Session<'_>, verb: Verb, args: StartCluster) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.given(), None)?;
    let engine = session.engine().await?;
    if verb == Verb::Restart {
        act(session, &engine, Verb::Stop, &name).await?;
    }
    let began = Instant::now();
    let verb = if verb == Verb::Restart { Verb::Start } else { verb };
    act(session, &engine, verb, &name).await?;
    if args.wait.is_zero() { Ok(()) } else { until_well(session, &engine, &name, began.elapsed(), args.wait).await }
}

async fn act(session: &Session<'_>, engine: &Arc<dyn Engine>, verb: Verb, name: &ClusterName) -> Result<(), Failure> {
    let (words, none) = match verb {
        Verb::Start | Verb::Restart => ("start", "runs already"),
        Verb::Stop => ("stop", "does not run"),
        Verb::Pause => ("pause", "has nothing to freeze"),
        Verb::Unpause => ("unpause", "is not frozen"),
    };
    let steps = session.console.steps();
    let work = async {
        Ok::<_, Failure>(match verb {
            Verb::Start | Verb::Restart => power::start(&**engine, name).await?,
            Verb::Stop => power::stop(&**engine, name).await?,
            Verb::Pause => power::pause(&**engine, name).await?,
            Verb::Unpause => power::unpause(engine, name).await?,
        })
    };
    let changed = steps.during(&format!("{words} cluster {name}"), work).await?;
    if changed == 0 {
        session.console.note(&format!("cluster {name} {none}"));
    }
    Ok(())
}

/// Waits until the cluster can be used.
pub(super) async fn until_well(
    session: &Session<'_>,
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    fresh: Duration,
    limit: Duration,
) -> Result<(), Failure> {
    let step = "wait for the API and the nodes";
    let steps = session.console.steps();
    let work = async { Ok(power::well(engine, name, fresh, limit, |status| steps.waiting(step, status)).await?) };
    steps.during(step, work).await
}
