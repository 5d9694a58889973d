//! Names of clusters on the command line, and flags that scripts leave empty. No container engine is needed.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod program;

use rstest::rstest;

use program::{NO_ENGINE, assert_fails, run, run_in, stderr, stdout};

#[rstest]
#[case("-x")]
#[case("a..b")]
#[case("a.-b")]
#[case("UPPER")]
#[case("a b")]
#[case("a;rm -rf")]
#[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
fn an_invalid_name_is_refused_wherever_it_comes_from(#[case] name: &str) {
    let words = ["cluster name", "expected 1 to 49 of a-z"];
    assert_fails(&run(&["create", "cluster", &format!("--name={name}")]), 2, &words);
    assert_fails(&run(&["delete", "cluster", &format!("-n={name}")]), 2, &words);
    assert_fails(&run(&["kubectl", name, "get", "pods"]), 3, &["kind-rs kubectl NAME", words[1]]);
    let home = tempfile::tempdir().unwrap();
    let from_variable = run_in(home.path(), &["delete", "cluster"], &[("KIND_CLUSTER_NAME", name)], "");
    assert_fails(&from_variable, 3, &["environment variable KIND_CLUSTER_NAME", words[1]]);
    let text = format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: {name:?}\n");
    let from_file = run_in(home.path(), &["create", "cluster", "--config", "-"], &[], &text);
    assert_fails(&from_file, 3, &["standard input:3:7: name: cluster name"]);
}

/// Scripts pass every flag, and the variables in them are not always set.
#[test]
fn an_empty_flag_is_not_given() {
    let home = tempfile::tempdir().unwrap();
    let empty = ["--name", "", "--config", "", "--image", "", "--load-balancer-image=", "--kubeconfig", ""];
    let found = run_in(home.path(), &[&["create", "cluster", "--dry-run"], empty.as_slice()].concat(), &[], "");
    let without = run_in(home.path(), &["create", "cluster", "--dry-run"], &[], "");
    assert_eq!((found.status.code(), stdout(&found)), (Some(0), stdout(&without)), "{}", stderr(&found));
    let named = [("KIND_CLUSTER_NAME", "from-variable")];
    let plan = run_in(home.path(), &["create", "cluster", "--dry-run", "--name="], &named, "");
    assert!(stdout(&plan).starts_with("cluster from-variable "), "{}", stdout(&plan));
    for arguments in [
        ["delete", "cluster", "--name", "", "--kubeconfig", ""].as_slice(),
        &["get", "nodes", "--name", ""],
        &["export", "kubeconfig", "--name=", "--kubeconfig="],
        &["load", "docker-image", "x", "--name", "", "--nodes", ""],
    ] {
        assert_fails(&run_in(home.path(), arguments, &[], ""), 4, &["reach the container engine", NO_ENGINE]);
    }
    // As by kind, a duration is one.
    assert_fails(&run(&["create", "cluster", "--wait", ""]), 2, &["--wait"]);
}

#[test]
fn a_name_needs_no_flag_where_nothing_else_is_taken() {
    let plan = run(&["create", "cluster", "demo", "--dry-run"]);
    assert!(stdout(&plan).starts_with("cluster demo "), "{}", stderr(&plan));
    let home = tempfile::tempdir().unwrap();
    for command in [
        ["delete", "cluster"].as_slice(),
        &["get", "nodes"],
        &["get", "kubeconfig"],
        &["export", "kubeconfig"],
        &["pause", "cluster"],
        &["pause"],
        &["start"],
    ] {
        let output = run_in(home.path(), &[command, ["demo"].as_slice()].concat(), &[], "");
        assert_fails(&output, 4, &["reach the container engine"]);
        let output = run_in(home.path(), &[command, ["Demo"].as_slice()].concat(), &[], "");
        assert_fails(&output, 2, &["cluster name \"Demo\""]);
    }
}

#[test]
fn a_name_is_as_long_as_the_names_of_its_nodes_allow() {
    let home = tempfile::tempdir().unwrap();
    let text = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{}, {}]\n";
    let dry_run = |length: usize, config: &str| {
        let name = "a".repeat(length);
        let arguments = ["create", "cluster", "--dry-run", "--name", &name, "--config", "-"];
        run_in(home.path(), &arguments, &[], config)
    };
    assert_eq!(dry_run(49, &text.replace(", {}", "")).status.code(), Some(0));
    assert_eq!(dry_run(40, text).status.code(), Some(0));
    assert_fails(&dry_run(41, text), 3, &["has 41 characters", "at most 40 before several control planes"]);
}
