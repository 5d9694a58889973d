//! What is tried on an engine: clusters by the command line and as tests, and that nothing stays.

use std::{fs, time::Duration};

use kind_engine::{DockerEngine, Engine};

use super::{
    confined::Confined,
    run::{EnginesError, Given},
};
use crate::{
    args::EngineName,
    context::Context,
    process::{Tool, run_logged, run_shown},
    settings::{TEST_IMAGE, TEST_KEEP, TEST_REQUIRE},
    setup::Prepared,
    tasks::{cargo::nextest_run, leftovers},
    wait::{self, Look},
};

/// The tests that depend on the engine, few and short: a highly available cluster and an image in it, webhooks that the test
/// answers, programs of the test in pods, Services reached from here and by addresses of their own, one node that is stopped
/// and started, the command line.
const TESTS: &str = "(package(kind-examples) and test(=hello::a_pod_runs_and_finds_the_api)) \
    or (package(kind-harness) and binary(live) and test(/^(load_balancers|objects|programs|restart|webhooks)::/)) \
    or (package(kind-cli) and binary(live))";
/// The runner's profile, with a limit for all of them.
const PROFILE: &str = "engines";

/// Three control planes and a worker, in kind's words.
const HIGHLY_AVAILABLE: &str = "{kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4, nodes: [{role: control-plane}, \
    {role: control-plane}, {role: control-plane}, {role: worker}]}\n";
/// The cluster that the command line makes.
const CLUSTER: &str = "engines";

/// How long keepers have to remove what tests used.
const GONE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// Tries everything on an engine that answers.
pub(super) async fn try_all(
    ctx: &Context,
    prepared: &Prepared,
    name: EngineName,
    confined: &Confined,
    engine: &DockerEngine,
    given: &Given<'_>,
) -> Result<(), EnginesError> {
    let step = ctx.ui.step(format!("{}: load the node image", name.text()));
    let load = engine.load_image(given.archive);
    ctx.interrupt.unless(load).await?.map_err(EnginesError::Engine)?;
    step.done();
    let config = confined.folder().join("cluster.yaml");
    fs::write(&config, HIGHLY_AVAILABLE).map_err(|source| EnginesError::File {
        action: "write",
        path: config.clone(),
        source,
    })?;
    let config = config.display().to_string();
    let exported = confined.folder().join("exported").display().to_string();
    let commands: [(&str, &[&str]); 8] = [
        ("doctor", &["doctor"]),
        ("create one node", &["create", "cluster", "--name", CLUSTER]),
        ("delete one node", &["delete", "cluster", "--name", CLUSTER]),
        ("create three control planes", &["create", "cluster", "--name", CLUSTER, "--config", &config]),
        ("ask the API", &["kubectl", CLUSTER, "get", "nodes", "--output", "wide"]),
        ("restart them", &["restart", "cluster", "--name", CLUSTER]),
        ("export logs", &["export", "logs", "--name", CLUSTER, &exported]),
        ("delete them", &["delete", "cluster", "--name", CLUSTER]),
    ];
    for (what, arguments) in commands {
        let tool = Tool::new(ctx.workspace.program("kind-rs")).args(arguments);
        run_logged(ctx, &format!("{}: {what}", name.text()), &on(tool, confined, given.image)).await?;
    }
    let tests = nextest_run(ctx, prepared)
        .args(["--workspace", "--no-fail-fast", "--profile", PROFILE, "--filterset", TESTS])
        .env("ARTIFACTS", ctx.workspace.engines().join(format!("{}-artifacts", name.text())));
    run_shown(ctx, &on(tests, confined, given.image)).await?;
    nothing_left(ctx, engine).await
}

/// A program that uses the engine, and only it, and leaves nothing elsewhere.
fn on(tool: Tool, confined: &Confined, image: &str) -> Tool {
    let others = ["CONTAINER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"];
    let at = |name: &str| confined.folder().join(name);
    tool.without_env(&others.map(Into::into))
        .env("DOCKER_HOST", confined.address())
        .env("KUBECONFIG", at("kubeconfig"))
        .env("XDG_STATE_HOME", at("state"))
        .env(TEST_IMAGE, image)
        .env(TEST_REQUIRE, "1")
        .env(TEST_KEEP, "never")
}

async fn nothing_left(ctx: &Context, engine: &dyn Engine) -> Result<(), EnginesError> {
    let look = async || match leftovers::on_engine(engine).await {
        Err(error) => Look::NotYet(error.to_string()),
        Ok(left) if left.is_empty() => Look::Done(()),
        Ok(left) => Look::NotYet(left.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let gone = wait::until("everything of ours to be gone from the engine", LOOK, GONE, look);
    ctx.interrupt.unless(gone).await?.map_err(EnginesError::Left)
}
