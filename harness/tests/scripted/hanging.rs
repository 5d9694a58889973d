//! A test that runs out of time says which await hung.

use k8s_openapi::api::core::v1::ConfigMap;
use kind_harness::{
    kind_test,
    wait::{Check, until},
};
use kube::{Api, Client};

use crate::{
    api::ScriptedApi,
    child::{Runner, bundle, command, end, run, summary},
};

/// Where in this file the helpers hang.
fn line_of(code: &str) -> String {
    let line = include_str!("hanging.rs").lines().position(|line| line.trim() == code).expect("the code is here");
    format!("hanging.rs:{}:", line + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_answer_is_told_with_its_place() {
    let api = ScriptedApi::start().await.unwrap();
    let test = "hanging::hangs_in_a_request";
    let ended = run(&api, Runner::Nextest, test).await;
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    let lines = summary(&ended.text);
    assert!((5..=20).contains(&lines.len()), "{}", ended.text);
    let hangs = lines.iter().find(|line| line.starts_with("  hangs at ")).unwrap_or_else(|| panic!("{}", ended.text));
    assert!(hangs.contains(&line_of("maps.get(\"slow\").await")), "{hangs}");
    assert!(hangs.contains(", called from ") && hangs.contains(&line_of("the_answer(client).await?;")), "{hangs}");
    let request = "  request under way: GET /api/v1/namespaces/hanging-hangs-in-a-request-";
    assert!(lines.iter().any(|line| line.starts_with(request) && line.contains("/configmaps/slow: no answer for ")));
    assert!(ended.text.contains("did not end within 1.00 s, the limit that its `timeout` sets"), "{}", ended.text);
    let doing = std::fs::read_to_string(bundle(&api, test).join("doing.txt")).unwrap();
    assert!(doing.contains("requests that ended last\n") && doing.contains("POST /api/v1/namespaces: 201"), "{doing}");
    println!("{}", ended.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_and_a_channel_are_told_with_their_places() {
    let api = ScriptedApi::start().await.unwrap();
    let ended = run(&api, Runner::Cargo, "hanging::hangs_in_two_places").await;
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    let lines = summary(&ended.text);
    let has = |part: &str| assert!(lines.iter().any(|line| line.contains(part)), "{part:?} in {}", ended.text);
    has("  waits for the order to be placed, for 1.");
    has("; last seen: nobody answers");
    has(&line_of("let _ = receiver.await;"));
    has(&line_of("until(\"the order to be placed\", std::time::Duration::from_secs(60), look).await.unwrap();"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_blocks_its_thread_ends_at_its_limit() {
    let api = ScriptedApi::start().await.unwrap();
    let test = "hanging::blocks_its_thread";
    let ended = run(&api, Runner::Nextest, test).await;
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    let reason = "hanging::blocks_its_thread did not end within 1.00 s, the limit that its `timeout` sets; it ";
    assert!(ended.text.contains(reason), "{}", ended.text);
    assert!(ended.text.contains("it does not react, because its body blocks its thread"), "{}", ended.text);
    assert!(summary(&ended.text).len() >= 5, "{}", ended.text);
    assert!(bundle(&api, test).join("objects/pods.yaml").is_file());
}

/// The thread cannot be ended, so the process is, and whoever else is in it says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_blocks_its_thread_ends_its_process() {
    let api = ScriptedApi::start().await.unwrap();
    let mut command = command(&api, Runner::Cargo, "hanging::blocks_its_thread");
    command.args(["hanging::waits_beside", "--test-threads", "2"]);
    let ended = end(command.spawn().unwrap()).await;
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    for part in [
        "hanging::blocks_its_thread did not end within 1.00 s, the limit that its `timeout` sets; it ",
        "hanging::waits_beside was ended by the end of its process: scripted::hanging::blocks_its_thread, another test",
    ] {
        assert!(ended.text.contains(part), "{part:?} in {}", ended.text);
    }
    assert!(bundle(&api, "hanging::waits_beside").join("doing.txt").is_file());
}

#[kind_test(timeout = "1s")]
#[ignore = "hangs on purpose; `a_body_that_blocks_its_thread_ends_at_its_limit` runs it"]
async fn blocks_its_thread() {
    loop {
        std::thread::park();
    }
}

#[kind_test(timeout = "5m")]
#[ignore = "hangs on purpose; `a_body_that_blocks_its_thread_ends_its_process` runs it"]
async fn waits_beside() {
    std::future::pending::<()>().await;
}

async fn the_answer(client: Client) -> kube::Result<ConfigMap> {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.get("slow").await
}

#[kind_test(timeout = "1s")]
#[ignore = "hangs on purpose; `a_request_without_answer_is_told_with_its_place` runs it"]
async fn hangs_in_a_request(client: Client) -> kube::Result<()> {
    the_answer(client).await?;
    Ok(())
}

#[kind_test(timeout = "1s", tokio(flavor = "multi_thread", worker_threads = 2))]
#[ignore = "hangs on purpose; `a_condition_and_a_channel_are_told_with_their_places` runs it"]
async fn hangs_in_two_places() {
    let (_sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let channel = async {
        let _ = receiver.await;
    };
    let condition = async {
        let look = async || Check::<()>::not_yet("nobody answers");
        until("the order to be placed", std::time::Duration::from_secs(60), look).await.unwrap();
    };
    tokio::join!(channel, condition);
}
