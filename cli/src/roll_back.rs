//! Undoing a creation that was interrupted: everything that this run made goes, nothing else does.

use kind_engine::{Engine, Labels};
use kind_harness::{
    ClusterName,
    provision::{DestroyError, destroy},
    spec::cluster_labels,
};

use crate::unique::unique;

/// Tells the containers of this run from those of another that makes a cluster of the same name at the same time.
const LABEL_CREATION: &str = "io.kind-rs.creation";

/// How often to look for what is still being made.
const PASSES: usize = 5;

/// The mark of one run's containers.
#[derive(Debug)]
pub(crate) struct Creation(String);

impl Creation {
    /// A mark that no other run has.
    pub(crate) fn new() -> Self {
        Self(unique())
    }

    /// The mark as labels of what is to be made.
    pub(crate) fn labels(&self) -> Labels {
        Labels::from([(LABEL_CREATION.to_owned(), self.0.clone())])
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum RolledBack {
    /// Nothing is left.
    Done,
    /// Another run makes a cluster of the same name, so nothing was touched.
    NotAlone,
    /// Something is left.
    Partly(Option<DestroyError>),
}

impl RolledBack {
    /// The end of a sentence about the cluster of that name.
    pub(crate) fn about(&self, name: &ClusterName) -> String {
        match self {
            Self::Done => "what had been made is removed".to_owned(),
            Self::NotAlone => {
                "another creation of a cluster of that name is under way, so nothing was removed".to_owned()
            }
            Self::Partly(_) => format!("not everything was removed; `kind-rs delete cluster --name {name}` does it"),
        }
    }
}

/// Removes what the run with that mark made. A request that was under way when the creation was dropped may still be
/// carried out by the engine, so this looks again until there is nothing.
pub(crate) async fn roll_back(engine: &dyn Engine, name: &ClusterName, creation: &Creation) -> RolledBack {
    let mut failure = None;
    for _ in 0..PASSES {
        let there = engine.containers(&cluster_labels(name)).await.unwrap_or_default();
        if there.iter().any(|container| container.labels.get(LABEL_CREATION) != Some(&creation.0)) {
            return RolledBack::NotAlone;
        }
        match destroy(engine, name).await {
            Ok(removed) if removed.is_empty() => return RolledBack::Done,
            Ok(_) => failure = None,
            Err(error) => failure = Some(error),
        }
    }
    RolledBack::Partly(failure)
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine, Outcome};

    use super::*;

    async fn with_nodes(name: &ClusterName, creations: &[&Creation]) -> FakeEngine {
        let engine = FakeEngine::default();
        for (index, creation) in creations.iter().enumerate() {
            let labels = cluster_labels(name).into_iter().chain(creation.labels()).collect();
            let spec = ContainerSpec { name: format!("{name}-{index}"), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        engine
    }

    #[tokio::test]
    async fn what_this_run_made_goes() {
        let (name, creation) = (ClusterName::new("a").unwrap(), Creation::new());
        let engine = with_nodes(&name, &[&creation, &creation]).await;
        assert!(matches!(roll_back(&engine, &name, &creation).await, RolledBack::Done));
        assert!(engine.left().is_empty());
    }

    #[tokio::test]
    async fn what_another_run_made_stays() {
        let (name, ours, theirs) = (ClusterName::new("a").unwrap(), Creation::new(), Creation::new());
        let engine = with_nodes(&name, &[&ours, &theirs]).await;
        assert!(matches!(roll_back(&engine, &name, &ours).await, RolledBack::NotAlone));
        assert_eq!(engine.left().len(), 2);
    }

    #[tokio::test]
    async fn an_engine_that_refuses_is_reported() {
        let (name, creation) = (ClusterName::new("a").unwrap(), Creation::new());
        let engine = with_nodes(&name, &[&creation]).await;
        engine.when("remove", Outcome::Refuse("busy".to_owned()));
        let outcome = roll_back(&engine, &name, &creation).await;
        assert!(matches!(outcome, RolledBack::Partly(Some(_))), "{outcome:?}");
        assert!(outcome.about(&name).contains("kind-rs delete cluster --name a"));
    }
}
