//! `kind-rs delete clusters`.

use std::{cell::RefCell, sync::Arc};

use kind_core::{
    inventory::{self, Maker},
    spec::ClusterName,
};
use kind_engine::{Engine, EngineError};
use kind_lease::{Effect, Extent, SweepOutcome, Swept, collect};

use super::delete_cluster::delete;
use crate::{args::DeleteClusters, failure::Failure, session::Session};

/// Whether the clusters of other tools go, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    Never,
    Too,
}

/// How the removals went.
#[derive(Default)]
struct Count {
    all: usize,
    failed: usize,
}

pub(crate) async fn run(session: &Session<'_>, args: DeleteClusters) -> Result<(), Failure> {
    let kubeconfig = session.kubeconfig(&args.kubeconfig)?;
    let engine = session.engine().await?;
    let mut count = Count::default();
    let mut names = args.names;
    if args.all {
        count = spare(session, &engine).await?;
        let Chosen { go, stay } = choose(&*engine, if args.foreign { Foreign::Too } else { Foreign::Never }).await?;
        for line in stay {
            session.console.note(&line);
        }
        names.extend(go);
    }
    for name in &names {
        count.all += 1;
        // One that fails does not keep the others.
        if let Err(failure) = delete(session, &engine, name, &kubeconfig).await {
            session.console.failure(&failure);
            count.failed += 1;
        }
    }
    match count {
        Count { failed: 0, .. } => Ok(()),
        Count { failed, all } => Err(Failure::SomeNotDestroyed { failed, all }),
    }
}

/// Removes the clusters of tests that no test uses, those that are kept for a look or for the next run among them.
async fn spare(session: &Session<'_>, engine: &Arc<dyn Engine>) -> Result<Count, Failure> {
    let count = RefCell::new(Count::default());
    let tell = |Swept { what, outcome, .. }: Swept| match outcome {
        SweepOutcome::Gone(why) => {
            count.borrow_mut().all += 1;
            session.console.note(&format!("{what} is deleted: {why}"));
        }
        SweepOutcome::Failed(reason) => {
            let mut count = count.borrow_mut();
            (count.all, count.failed) = (count.all + 1, count.failed + 1);
            session.console.failure(&Failure::NotRemoved { what, reason });
        }
        // What stays is told with the rest.
        _ => {}
    };
    collect(&session.settings, Arc::clone(engine), Extent::Spare, Effect::Remove, &tell).await?;
    Ok(count.into_inner())
}

/// What `--all` means.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chosen {
    go: Vec<ClusterName>,
    /// Why each of the others stays.
    stay: Vec<String>,
}

/// The clusters that the command line made, and those of other tools where that is asked for.
async fn choose(engine: &dyn Engine, foreign: Foreign) -> Result<Chosen, EngineError> {
    let mut chosen = Chosen::default();
    for (name, maker) in inventory::clusters(engine).await? {
        let why = match maker {
            Maker::CommandLine => None,
            Maker::Stranger if foreign == Foreign::Too => None,
            Maker::Stranger => Some("another tool made it; name it, or say --foreign, to delete it all the same"),
            Maker::Tests => Some("tests use it, or its state is in another folder; name it to delete it all the same"),
        };
        match (why, ClusterName::new(name.clone())) {
            (Some(why), _) => chosen.stay.push(format!("cluster {name} stays: {why}")),
            (None, Ok(name)) => chosen.go.push(name),
            (None, Err(error)) => {
                chosen.stay.push(format!("cluster {name} stays, delete it with the tool that made it: {error}"));
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use kind_core::{
        provision::destroy_named,
        spec::{LABEL_CLUSTER, LABEL_MANAGED, LABEL_SCOPE},
    };
    use kind_engine::{ContainerSpec, FakeEngine};

    use super::*;

    /// A cluster of the command line, one of the real kind, one of tests, and one whose name both have.
    async fn engine() -> FakeEngine {
        let engine = FakeEngine::default();
        for (name, labels) in [
            ("ours-control-plane", &[(LABEL_CLUSTER, "ours"), (LABEL_MANAGED, "1")][..]),
            ("theirs-control-plane", &[(LABEL_CLUSTER, "theirs")][..]),
            ("kt-1-control-plane", &[(LABEL_CLUSTER, "kt-1"), (LABEL_MANAGED, "1"), (LABEL_SCOPE, "1")][..]),
            ("both-control-plane", &[(LABEL_CLUSTER, "both")][..]),
            ("both-worker", &[(LABEL_CLUSTER, "both"), (LABEL_MANAGED, "1")][..]),
            // Started from an image of a node.
            ("debug", &[(LABEL_CLUSTER, "ours"), (LABEL_MANAGED, "1")][..]),
        ] {
            let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
            let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        engine
    }

    async fn left(foreign: Foreign) -> (Vec<String>, Vec<String>) {
        let engine = engine().await;
        let Chosen { go, stay } = choose(&engine, foreign).await.unwrap();
        for name in go {
            destroy_named(&engine, &name).await.unwrap();
        }
        (engine.left(), stay)
    }

    /// What `cargo xtask clean` says, too.
    #[tokio::test]
    async fn all_clusters_are_ours_and_those_of_other_tools_stay() {
        let (left, stay) = left(Foreign::Never).await;
        let others = ["theirs-control-plane", "kt-1-control-plane", "both-control-plane", "both-worker", "debug"];
        assert_eq!(left, others);
        assert!(stay[2].starts_with("cluster theirs stays: another tool made it"), "{stay:?}");
        assert_eq!(stay.len(), 3);
    }

    #[tokio::test]
    async fn those_of_other_tools_go_where_that_is_asked_for() {
        let (left, stay) = left(Foreign::Too).await;
        assert_eq!(left, ["kt-1-control-plane", "debug"]);
        assert_eq!(stay.len(), 1);
    }
}
