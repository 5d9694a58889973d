//! A program in a pod, to its end.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ListParams, LogParams, PostParams},
};
use serde_json::json;

use super::{
    RunError,
    progress::{Progress, progress},
};
use crate::{
    TestContext, TestNamespace,
    expect::{Judged, expect},
};

/// How long a pod may take to start.
const START: Duration = Duration::from_mins(2);
/// How long it may run: until the test's own limit.
const RUN: Duration = Duration::from_hours(24);
/// How many warnings an error tells.
const MOST_WARNINGS: usize = 3;

/// How a program in a pod ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The pod, which stays until the test's namespace goes.
    pub pod: String,
    /// What it printed, to either stream, in order.
    pub log: String,
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub exit_code: i32,
}

impl Output {
    /// What it printed, of a program that ended well.
    ///
    /// # Errors
    /// When its exit code is not 0; the error has the end of what it printed.
    pub fn success(self) -> Result<String, RunError> {
        match self {
            Self { log, exit_code: 0, .. } => Ok(log),
            Self { pod, log, exit_code } => Err(RunError::Failed { pod, exit_code, log }),
        }
    }
}

impl TestContext {
    /// Runs a program once in a pod of the test's namespace, to its end, and returns what it printed and its exit code: a look
    /// at the cluster from inside.
    ///
    /// `image` is what [`load`](Self::load) returned, or any image that the nodes have or can pull. `command` is the program,
    /// by its path or its name, and its arguments; where it is empty, what the image says is run. The pod has two minutes to
    /// start, then as long as the test has. It has no service account's token, and stays until the namespace goes.
    ///
    /// ```no_run
    /// use kind_harness::{Image, TestContext, kind_test};
    ///
    /// # macro_rules! env { ($name:literal) => { "target/debug/probe" } }
    /// #[kind_test]
    /// async fn pods_resolve_the_api(context: TestContext) -> anyhow::Result<()> {
    ///     let probe = context.load(&Image::from_binary(env!("CARGO_BIN_EXE_probe"))).await?;
    ///     let printed = context.run(&probe, ["probe", "resolve", "kubernetes.default"]).await?.success()?;
    ///     assert_eq!(printed, "10.96.0.1\n");
    ///     assert_eq!(context.run(&probe, ["probe", "resolve", "no.such.name"]).await?.exit_code, 1);
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When the test has no namespace, the API refuses the pod, or the program does not start or is taken away before its
    /// end: then the error has the words of the scheduler or the kubelet, and comes as soon as they say that it never will.
    pub async fn run<I, S>(&self, image: &str, command: I) -> Result<Output, RunError>
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let namespace = self.namespace().map(TestNamespace::name);
        let namespace = namespace.ok_or_else(|| RunError::NoNamespace { image: image.to_owned() })?;
        run(self.client(), namespace, image, command.into_iter().map(Into::into).collect()).await
    }
}

pub(super) async fn run(
    client: &Client,
    namespace: &str,
    image: &str,
    command: Vec<String>,
) -> Result<Output, RunError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let asked = |action: String| move |error| RunError::Api { action, answer: Box::new(error) };
    let pod = pods.create(&PostParams::default(), &pod(image, &command)).await;
    let pod = pod.map_err(asked(format!("make a pod that runs {image}")))?.name_any();
    let not_run = |why: String| RunError::NotRun { image: image.to_owned(), pod: pod.clone(), why };

    let started = expect(&pods, &pod).within(START).judged("to start", |object| match object.map(progress) {
        None => Judged::NotYet("it is not there".to_owned()),
        Some(Progress::Waits(what)) => Judged::NotYet(what),
        Some(progress) => Judged::Yes(progress),
    });
    let mut reached = match started.await {
        Ok(reached) => reached,
        Err(error) => {
            let warnings = warnings(client, namespace, &pod).await;
            let (image, last) = (image.to_owned(), error.last);
            return Err(RunError::Late { image, pod, limit: START, last, warnings });
        }
    };
    if reached == Progress::Runs {
        let ended = expect(&pods, &pod).within(RUN).judged("to end", |object| match object.map(progress) {
            None => Judged::Never("it was deleted while it ran".to_owned()),
            Some(Progress::Waits(_) | Progress::Runs) => Judged::NotYet("it runs".to_owned()),
            Some(progress) => Judged::Yes(progress),
        });
        reached = ended.await.map_err(|error| not_run(error.last))?;
    }
    match reached {
        Progress::Ended { exit_code } => {
            let log = pods.logs(&pod, &LogParams::default()).await;
            let log = log.map_err(asked(format!("read the log of pod {pod}")))?;
            Ok(Output { pod, log, exit_code })
        }
        Progress::Never(why) | Progress::Waits(why) => Err(not_run(why)),
        Progress::Runs => Err(not_run("it runs".to_owned())),
    }
}

fn pod(image: &str, command: &[String]) -> Pod {
    let mut container = json!({ "name": "main", "image": image, "imagePullPolicy": "IfNotPresent" });
    if !command.is_empty() {
        container["command"] = command.into();
    }
    let pod = json!({
        "metadata": { "generateName": "run-" },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    });
    serde_json::from_value(pod).expect("it is a pod")
}

/// What the cluster warns of, the last first; nothing where it cannot be asked.
async fn warnings(client: &Client, namespace: &str, pod: &str) -> Vec<String> {
    let about = ListParams::default().fields(&format!("involvedObject.kind=Pod,involvedObject.name={pod}"));
    let events = Api::<Event>::namespaced(client.clone(), namespace).list(&about).await;
    let events = events.map(|list| list.items).unwrap_or_default();
    let text = |event: &Event| {
        let event = serde_json::to_value(event).unwrap_or_default();
        let field = |name: &str| event[name].as_str().unwrap_or_default().trim().to_owned();
        (event["type"] == "Warning").then(|| format!("{}: {}", field("reason"), field("message")))
    };
    events.iter().rev().filter_map(text).take(MOST_WARNINGS).collect()
}
