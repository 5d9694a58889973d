//! Tests on somebody else's cluster: what runs there, what is skipped and why, and what is left.

use kind_harness::{Cluster, TestContext, TestNamespace, kind_test};

use crate::{
    api::ScriptedApi,
    child::{Runner, bundle, command, end, run, summary},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_gets_its_namespace_and_takes_it_away() {
    let api = ScriptedApi::start().await.unwrap();
    let ended = run(&api, Runner::Nextest, "visiting::passes").await;
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(api.count("POST /api/v1/namespaces"), 1, "a short test makes no service account by itself");
    assert_eq!(api.count("DELETE /api/v1/namespaces/visiting-passes-"), 1);
    let state: Vec<_> = api.folder().join("state").read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(state, ["existing"], "nothing else of ours is made for somebody else's cluster");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_nodes_is_skipped_with_the_reason_even_where_tests_are_required() {
    for (test, reason) in [
        ("visiting::takes_the_nodes", "the nodes of scripted, somebody else's cluster, are out of reach"),
        ("visiting::asks_for_three", "it asks for 3 control planes and 1 worker, and finds 1 and 0"),
    ] {
        let api = ScriptedApi::start().await.unwrap();
        let ended = end(command(&api, Runner::Nextest, test).env("KIND_TEST_REQUIRE", "1").spawn().unwrap()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert!(ended.text.contains(&format!("SKIPPED: scripted::{test}: ")), "{}", ended.text);
        assert!(ended.text.contains(reason), "{}", ended.text);
        let [made, deleted] =
            ["POST /api/v1/namespaces", "DELETE /api/v1/namespaces/visiting-"].map(|it| api.count(it));
        assert_eq!(made, deleted, "nothing of it stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_names_the_command_that_its_reader_has() {
    let api = ScriptedApi::start().await.unwrap();
    let test = "visiting::fails";
    let ended = run(&api, Runner::Nextest, test).await;
    assert_eq!(ended.code, Some(101), "{}", ended.text);
    let lines = summary(&ended.text);
    assert!((5..=20).contains(&lines.len()), "{}", ended.text);
    let look = format!("  look: kubectl --kubeconfig {} --context scripted -n ", api.kubeconfig().display());
    for expected in [look.as_str(), "  pod db-0: CrashLoopBackOff, 0 of 1 ready, 3 restarts", "  log of db-0/main:"] {
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected:?} in {}", ended.text);
    }
    let missing = std::fs::read_to_string(bundle(&api, test).join("missing.txt")).unwrap();
    assert!(missing.contains("journals of the nodes: the cluster is somebody else's"), "{missing}");
    println!("{}", ended.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_cannot_be_used_fails_the_test_and_says_why() {
    let api = ScriptedApi::start().await.unwrap();
    let file = |name: &str, text: &str| {
        let path = api.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let unreachable = std::fs::read_to_string(api.kubeconfig()).unwrap();
    let port = unreachable.find("127.0.0.1:").unwrap() + "127.0.0.1:".len();
    let end_of_port = port + unreachable[port..].find('\'').unwrap();
    let unreachable = format!("{}1{}", &unreachable[..port], &unreachable[end_of_port..]);
    for (path, reason) in [
        (api.folder().join("nowhere"), "there is no file /"),
        ("nowhere".into(), "a relative path counts from the package's folder"),
        (
            file("other", "{contexts: [{name: a}], current-context: b}"),
            "current context \"b\" is not there; there are: a",
        ),
        (file("broken", "contexts: {"), "failed to use the cluster of KIND_TEST_KUBECONFIG="),
        (file("unreachable", &unreachable), "reach the API at http://127.0.0.1:1/, which KIND_TEST_KUBECONFIG="),
    ] {
        let mut command = command(&api, Runner::Nextest, "visiting::passes");
        let ended = end(command.env("KIND_TEST_KUBECONFIG", path).spawn().unwrap()).await;
        assert_eq!(ended.code, Some(101), "{}", ended.text);
        assert!(ended.text.contains(reason), "{reason:?} in {}", ended.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_own_kubeconfig_will_do() {
    let api = ScriptedApi::start().await.unwrap();
    let mut command = command(&api, Runner::Cargo, "visiting::passes");
    command.env_remove("KIND_TEST_KUBECONFIG").env("USE_EXISTING_CLUSTER", "true").env("KUBECONFIG", api.kubeconfig());
    let ended = end(command.spawn().unwrap()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(api.count("DELETE /api/v1/namespaces/visiting-passes-"), 1);
}

#[kind_test]
#[ignore = "wants a scripted cluster; `a_test_gets_its_namespace_and_takes_it_away` runs it"]
async fn passes(ns: &TestNamespace, context: TestContext) {
    assert_eq!(context.client().default_namespace(), ns.name());
    assert_eq!(context.cluster().kubernetes_version(), "v1.37.2");
    let refused = context.cluster().nodes()[0].exec(["true"]).await.unwrap_err().to_string();
    assert!(refused.contains("it belongs to somebody else"), "{refused}");
}

#[kind_test(access = "exclusive")]
#[ignore = "wants a scripted cluster; `what_needs_nodes_is_skipped_with_the_reason_even_where_tests_are_required` runs it"]
async fn takes_the_nodes(_cluster: Cluster) {
    panic!("it must not run");
}

#[kind_test(control_planes = 3)]
#[ignore = "wants a scripted cluster; `what_needs_nodes_is_skipped_with_the_reason_even_where_tests_are_required` runs it"]
async fn asks_for_three() {
    panic!("it must not run");
}

#[kind_test]
#[ignore = "wants a scripted cluster; `a_failed_test_names_the_command_that_its_reader_has` runs it"]
async fn fails() -> Result<(), String> {
    Err("no order; the password is password=hunter2hunter2".to_owned())
}
