//! Against a real ginkgo suite, the example's, and an API that nobody serves: its specs fail at their first call, or wait.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use kind_core::settings::Settings;

use super::{Pool, order::Order};
use crate::{Ended, Invocation, InvokeError, Outcome, Ran, Stop, Stopper, Suite};

const READ: &str = "ConfigMaps come back as they were written";
const WATCH: &str = "ConfigMaps when somebody watches tell of their end";
const SERIAL: &str = "Pods wait while no node takes any";

/// The suite, in a folder for logs; `None` where it is not built.
struct Scene {
    suite: Suite,
    folder: tempfile::TempDir,
    kubeconfig: String,
    /// Takes calls and answers none.
    _silence: Option<TcpListener>,
}

impl Scene {
    fn of(port: u16, silence: Option<TcpListener>) -> Option<Self> {
        let this = std::env::current_exe().unwrap();
        // In `deps` of a profile's folder.
        let target = this.ancestors().nth(3).unwrap().join("kind/go/example.test");
        if !target.exists() && !Settings::from_environment().unwrap().require {
            eprintln!("SKIPPED: {} is not built; `cargo xtask test` builds it", target.display());
            return None;
        }
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: u, user: {{}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
        );
        let folder = tempfile::tempdir().unwrap();
        Some(Self { suite: Suite::new(target), folder, kubeconfig, _silence: silence })
    }

    /// On an API that refuses connections.
    fn refused() -> Option<Self> {
        Self::of(1, None)
    }

    /// On an API that never answers.
    fn silent() -> Option<Self> {
        let silence = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::of(silence.local_addr().unwrap().port(), Some(silence))
    }

    fn log(&self, upstream: &str) -> PathBuf {
        self.folder.path().join(upstream.replace(' ', "-"))
    }

    async fn run(
        &self,
        pool: &Pool,
        upstream: &str,
        limit: Duration,
        stop: &Stop,
    ) -> Result<Option<Ended>, InvokeError> {
        let log = self.log(upstream);
        let invocation = Invocation { suite: &self.suite, kubeconfig: &self.kubeconfig, upstream, limit, log: &log };
        pool.run(&invocation, stop).await
    }
}

fn failure(ended: Option<Ended>) -> crate::Failure {
    match ended {
        Some(Ended::Ran(Ran { outcome: Outcome::Failed(failure), .. })) => failure,
        other => panic!("{other:?}"),
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_order_has_every_spec_but_those_that_run_alone() {
    let Some(scene) = Scene::refused() else { return };
    let order = Order::ask(&scene.suite, &scene.kubeconfig, &scene.log("order")).await.unwrap();
    let (read, watch) = (order.of(READ).unwrap(), order.of(WATCH).unwrap());
    assert_ne!(read, watch);
    assert_eq!(order.of(SERIAL), None);
}

#[tokio::test]
async fn specs_take_turns_on_one_process_and_each_has_its_own_words() {
    let Some(scene) = Scene::refused() else { return };
    let pool = Pool::new(2);
    for upstream in [WATCH, READ, WATCH] {
        let failure = failure(scene.run(&pool, upstream, MINUTE, &Stop::never()).await.unwrap());
        assert!(failure.message.contains("connection refused"), "{failure:?}");
        let log = std::fs::read_to_string(scene.log(upstream)).unwrap();
        let other = if upstream == READ { WATCH } else { READ };
        assert!(log.contains(upstream) && log.contains("[FAILED]") && !log.contains(other), "{log}");
    }
    assert_eq!(pool.started().await, 1);
    assert!(scene.run(&pool, SERIAL, MINUTE, &Stop::never()).await.unwrap().is_none());
    pool.end().await.unwrap();
}

#[tokio::test]
async fn two_at_once_have_a_process_each() {
    let Some(scene) = Scene::refused() else { return };
    let pool = Pool::new(2);
    let never = Stop::never();
    let (one, other) = tokio::join!(scene.run(&pool, READ, MINUTE, &never), scene.run(&pool, WATCH, MINUTE, &never));
    failure(one.unwrap());
    failure(other.unwrap());
    assert_eq!(pool.started().await, 2);
    pool.end().await.unwrap();
}

#[tokio::test]
async fn a_spec_that_takes_too_long_fails_and_says_where_it_was() {
    let Some(scene) = Scene::silent() else { return };
    let pool = Pool::new(2);
    let failure = failure(scene.run(&pool, READ, Duration::from_secs(3), &Stop::never()).await.unwrap());
    assert!(failure.message.starts_with("not done after 3 s, its limit"), "{failure:?}");
    let log = std::fs::read_to_string(scene.log(READ)).unwrap();
    assert!(log.contains("goroutine"), "{log}");
    // Its process is not used again.
    let Some(refused) = Scene::refused() else { return };
    let failure = self::failure(refused.run(&pool, READ, MINUTE, &Stop::never()).await.unwrap());
    assert!(failure.message.contains("connection refused"), "{failure:?}");
    assert_eq!(pool.started().await, 2);
    pool.end().await.unwrap();
}

#[tokio::test]
async fn a_spec_that_is_stopped_has_no_result() {
    let Some(scene) = Scene::silent() else { return };
    let (pool, stopper) = (Pool::new(2), Stopper::default());
    let stop = stopper.stop();
    let ask = async {
        while pool.started().await == 0 {
            tokio::task::yield_now().await;
        }
        stopper.ask();
    };
    let (ended, ()) = tokio::join!(scene.run(&pool, READ, MINUTE, &stop), ask);
    assert!(matches!(ended, Ok(Some(Ended::Stopped { .. }))), "{ended:?}");
    pool.end().await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_no_suite_is_quoted() {
    let Some(scene) = Scene::refused() else { return };
    let scene = Scene { suite: Suite::new("/bin/echo").argument("what is this?"), ..scene };
    let error = scene.run(&Pool::new(2), READ, MINUTE, &Stop::never()).await.unwrap_err();
    let InvokeError::Order(source) = error else { panic!("{error}") };
    let text = source.to_string();
    assert!(text.contains("exit status: 0") && text.contains("what is this?"), "{text}");
}
