//! A test that a signal ends says what it was doing, leaves its bundle, and fails.

use k8s_openapi::api::core::v1::ConfigMap;
use kind_harness::kind_test;
use kube::{Api, Client};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Child;

use crate::{
    api::ScriptedApi,
    child::{Runner, asked, bundle, command, end, summary},
};

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id().expect("it runs")).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("send the signal");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runners_time_limit_leaves_a_bundle() {
    let api = ScriptedApi::start().await.unwrap();
    let test = "interrupted::waits_for_ever";
    let child = command(&api, Runner::Nextest, test).spawn().unwrap();
    asked(&api, "GET /api/v1/namespaces/interrupted-waits-for-ever-").await;
    send(&child, Signal::SIGTERM);
    let ended = end(child).await;
    assert_eq!(ended.code, Some(101), "it fails as tests do: {}", ended.text);
    assert!(ended.text.contains("scripted::interrupted::waits_for_ever was ended by SIGTERM"), "{}", ended.text);
    let lines = summary(&ended.text);
    assert!((5..=20).contains(&lines.len()), "{}", ended.text);
    assert!(lines.iter().any(|line| line.starts_with("  hangs at ")), "{}", ended.text);
    let folder = bundle(&api, test);
    for file in ["summary.txt", "timeline.txt", "doing.txt", "events.txt", "objects/pods.yaml", "missing.txt"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    assert_eq!(api.count("DELETE"), 0, "a failed test keeps its namespace");
    assert!(!api.folder().join("state/existing").read_dir().unwrap().any(|_| true), "the cluster is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_whole_process_of_a_runner_with_threads() {
    let api = ScriptedApi::start().await.unwrap();
    let child = command(&api, Runner::Cargo, "interrupted::waits_for_ever").spawn().unwrap();
    asked(&api, "GET /api/v1/namespaces/interrupted-waits-for-ever-").await;
    send(&child, Signal::SIGINT);
    let ended = end(child).await;
    // The test runner may be faster to end the process, when this was the last test.
    assert!(matches!(ended.code, Some(130 | 101)), "{:?}: {}", ended.code, ended.text);
    assert!(ended.text.contains("was ended by SIGINT, Ctrl-C; it "), "{}", ended.text);
    assert!(summary(&ended.text).len() >= 5, "{}", ended.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_blocks_its_thread_is_told_of_all_the_same() {
    let api = ScriptedApi::start().await.unwrap();
    let test = "interrupted::blocks_its_thread";
    let child = command(&api, Runner::Nextest, test).spawn().unwrap();
    asked(&api, "GET /api/v1/namespaces/interrupted-blocks-its-thread-").await;
    send(&child, Signal::SIGTERM);
    let ended = end(child).await;
    assert_eq!(ended.code, Some(143), "{}", ended.text);
    assert!(ended.text.contains("it does not react, because its body blocks its thread"), "{}", ended.text);
    assert!(summary(&ended.text).len() >= 5, "{}", ended.text);
    assert!(bundle(&api, test).join("objects/pods.yaml").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let api = ScriptedApi::start().await.unwrap();
    let child = command(&api, Runner::Nextest, "interrupted::blocks_its_thread").spawn().unwrap();
    asked(&api, "GET /api/v1/namespaces/interrupted-blocks-its-thread-").await;
    send(&child, Signal::SIGINT);
    send(&child, Signal::SIGTERM);
    let ended = end(child).await;
    assert!(matches!(ended.code, Some(130 | 143)), "{:?}: {}", ended.code, ended.text);
}

async fn ask(client: &Client, name: &str) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    // Whether there is one does not matter.
    let _ = maps.get(name).await;
}

#[kind_test(timeout = "5m")]
#[ignore = "hangs on purpose; `the_runners_time_limit_leaves_a_bundle` runs it"]
async fn waits_for_ever(client: Client) {
    ask(&client, "slow").await;
}

#[kind_test(timeout = "5m")]
#[ignore = "hangs on purpose; `a_body_that_blocks_its_thread_is_told_of_all_the_same` runs it"]
async fn blocks_its_thread(client: Client) {
    ask(&client, "quick").await;
    loop {
        std::thread::park();
    }
}
