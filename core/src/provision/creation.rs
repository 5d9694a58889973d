//! One creation of a cluster: who it is, what it has asked the engine for, and how all of that is undone.

use std::{sync::Arc, time::Duration};

use kind_engine::{ContainerSpec, Engine, EngineError, NetworkSpec};
use tokio_util::task::TaskTracker;

use super::{DestroyError, destroy};
use crate::spec::{ClusterName, Instance, instance_labels};

/// How long an engine gets, after a creation failed, to answer what the creation had asked it for.
const ANSWERS: Duration = Duration::from_secs(60);

/// One creation. Its clones are the same creation.
#[derive(Debug, Clone)]
pub struct Creation {
    instance: Instance,
    requests: TaskTracker,
}

impl Creation {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "each is another one, which a default does not suggest")]
    pub fn new() -> Self {
        Self { instance: Instance::new(), requests: TaskTracker::new() }
    }

    /// Its identity, which everything that it makes carries.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    pub(super) async fn network(&self, engine: &Arc<dyn Engine>, spec: NetworkSpec) -> Result<String, EngineError> {
        let engine = Arc::clone(engine);
        self.ask(async move { engine.create_network(&spec).await }).await
    }

    pub(super) async fn container(&self, engine: &Arc<dyn Engine>, spec: ContainerSpec) -> Result<String, EngineError> {
        let engine = Arc::clone(engine);
        self.ask(async move { engine.run_container(&spec).await }).await
    }

    /// Makes a container that only has its name.
    pub(super) async fn reserve(&self, engine: &Arc<dyn Engine>, spec: ContainerSpec) -> Result<String, EngineError> {
        let engine = Arc::clone(engine);
        self.ask(async move { engine.create_container(&spec).await }).await
    }

    /// Waits for the answer to a request. An engine carries out what it was asked for, whether anybody waits or not: so
    /// the request goes on when the step that made it is dropped, and whoever undoes the creation waits for its end.
    async fn ask(
        &self,
        request: impl Future<Output = Result<String, EngineError>> + Send + 'static,
    ) -> Result<String, EngineError> {
        match self.requests.spawn(request).await {
            Ok(answer) => answer,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and this with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Removes everything that the creation made, and nothing else. What the engine is still making is waited for.
    /// Nobody may go on with the creation.
    ///
    /// # Errors
    /// When something could not be removed, or the engine does not answer what it was asked for.
    pub async fn undo(&self, engine: &dyn Engine, name: &ClusterName) -> Result<(), DestroyError> {
        let answered = self.settle(name).await;
        destroy(engine, name, &instance_labels(&self.instance)).await?;
        answered
    }

    /// Waits until the engine has answered everything that the creation asked for. Nobody may go on with it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn settle(&self, name: &ClusterName) -> Result<(), DestroyError> {
        self.requests.close();
        let answered = tokio::time::timeout(ANSWERS, self.requests.wait()).await;
        let count = self.requests.len();
        answered.map_err(|_| DestroyError::Unanswered { name: name.clone(), count, limit: ANSWERS })
    }
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Outcome};

    use super::*;
    use crate::spec::{LABEL_CONTAINER, cluster_labels};

    fn container(name: &ClusterName, creation: &Creation, node: &str) -> ContainerSpec {
        let mut labels = cluster_labels(name);
        labels.extend(instance_labels(creation.instance()));
        labels.insert(LABEL_CONTAINER.to_owned(), node.to_owned());
        ContainerSpec { name: node.to_owned(), labels, ..ContainerSpec::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_engine_finishes_after_its_step_was_dropped_goes_too() {
        let (fake, name) = (Arc::new(FakeEngine::default()), ClusterName::new("a").unwrap());
        let (engine, creation): (Arc<dyn Engine>, _) = (fake.clone(), Creation::new());
        fake.when("run a-worker", Outcome::After(Duration::from_secs(30)));
        creation.container(&engine, container(&name, &creation, "a-control-plane")).await.unwrap();
        let late = creation.container(&engine, container(&name, &creation, "a-worker"));
        tokio::time::timeout(Duration::from_secs(1), late).await.unwrap_err();
        creation.undo(&*engine, &name).await.unwrap();
        assert!(fake.calls().contains(&"remove a-worker".to_owned()), "{:?}", fake.calls());
        assert_eq!(fake.left(), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_never_answers_is_told() {
        let (fake, name) = (Arc::new(FakeEngine::default()), ClusterName::new("a").unwrap());
        let (engine, creation): (Arc<dyn Engine>, _) = (fake.clone(), Creation::new());
        fake.when("run a-worker", Outcome::Hang);
        creation.container(&engine, container(&name, &creation, "a-control-plane")).await.unwrap();
        let late = creation.container(&engine, container(&name, &creation, "a-worker"));
        tokio::time::timeout(Duration::from_secs(1), late).await.unwrap_err();
        let error = creation.undo(&*engine, &name).await.unwrap_err().to_string();
        assert_eq!(fake.left(), Vec::<String>::new(), "what is known goes all the same");
        assert!(error.contains("1 request of its creation"), "{error}");
    }

    #[tokio::test]
    async fn what_another_creation_of_the_same_name_made_stays() {
        let (fake, name) = (Arc::new(FakeEngine::default()), ClusterName::new("a").unwrap());
        let (engine, one, other): (Arc<dyn Engine>, _, _) = (fake.clone(), Creation::new(), Creation::new());
        one.container(&engine, container(&name, &one, "a-control-plane")).await.unwrap();
        other.container(&engine, container(&name, &other, "a-worker")).await.unwrap();
        // What somebody starts from an image of the node carries the same labels.
        let copy = ContainerSpec { name: "debug".to_owned(), ..container(&name, &one, "a-control-plane") };
        engine.run_container(&copy).await.unwrap();
        one.undo(&*engine, &name).await.unwrap();
        assert_eq!(fake.left(), ["a-worker", "debug"]);
    }
}
