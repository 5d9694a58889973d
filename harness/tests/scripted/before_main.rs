//! A keeper and a reporter are this program once more, and run none of its code: no constructor, no fixture, no test.
#![expect(unsafe_code, reason = "a user's constructor has to be put where the C library looks for it")]

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::TcpListener,
    process::Stdio,
    time::Duration,
};

use kind_harness::{
    kind_test,
    wait::{Check, until},
};
use rstest::{fixture, rstest};
use tokio::process::Command;

use crate::{
    api::ScriptedApi,
    child::{Runner, command, end},
};

/// The file that everything here which runs adds a line to.
const CALLS: &str = "KIND_HARNESS_TEST_CALLS";
/// The port that the fixture takes.
const PORT: &str = "KIND_HARNESS_TEST_PORT";

#[expect(clippy::disallowed_methods, reason = "the variables are between the tests of this file")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn note(line: &str) {
    let Some(path) = variable(CALLS) else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("open the file of calls");
    writeln!(file, "{line}").expect("write to the file of calls");
}

/// As the `ctor` crate would place it.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    note("constructor");
}

#[fixture]
fn fixed_port() -> TcpListener {
    note("fixture");
    let port = variable(PORT).expect("a port").parse().expect("a number");
    TcpListener::bind(("127.0.0.1", port)).expect("nobody else has the port")
}

#[kind_test]
#[rstest]
#[ignore = "`fixtures_and_constructors_run_once` runs it"]
async fn takes_a_fixed_port(#[from(fixed_port)] listener: TcpListener, client: kube::Client) {
    drop(client);
    note("body");
    // The reporter is started before the body, and would take the port now.
    let page = std::path::PathBuf::from(variable("ARTIFACTS").expect("the artifacts")).join("report.html");
    let look = async || if page.exists() { Check::Done(()) } else { Check::not_yet("there is none") };
    until("a page of the report", Duration::from_secs(30), look).await.expect("the reporter to work");
    drop(listener);
}

#[tokio::test(flavor = "multi_thread")]
async fn fixtures_and_constructors_run_once() {
    let api = ScriptedApi::start().await.unwrap();
    let calls = api.folder().join("calls");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = command(&api, Runner::Nextest, "before_main::takes_a_fixed_port");
    command.env(CALLS, &calls).env(PORT, port.to_string());
    let ended = end(command.spawn().unwrap()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(fs::read_to_string(&calls).unwrap(), "constructor\nfixture\nbody\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_is_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("KIND_HARNESS_KEEPER", "/nowhere").env(CALLS, &calls).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = end(command.spawn().unwrap()).await;
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert_eq!(ended.text, "keep the cluster of /nowhere: it is no state folder of a cluster\n");
    assert!(!calls.exists(), "{}", fs::read_to_string(&calls).unwrap());
}
