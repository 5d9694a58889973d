//! The program from outside: help, arguments, configurations, exit codes. No container engine is needed.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod program;

use std::{fs, path::Path, process::Command};

use kind_testkit::assert_golden;
use program::{NO_ENGINE, assert_fails, run, run_in, stderr, stdout};
use rstest::rstest;

#[rstest]
#[case(&[])]
#[case(&["create"])]
#[case(&["create", "cluster"])]
#[case(&["delete"])]
#[case(&["delete", "cluster"])]
#[case(&["delete", "clusters"])]
#[case(&["start"])]
#[case(&["start", "cluster"])]
#[case(&["stop"])]
#[case(&["stop", "cluster"])]
#[case(&["restart"])]
#[case(&["restart", "cluster"])]
#[case(&["pause"])]
#[case(&["pause", "cluster"])]
#[case(&["unpause"])]
#[case(&["unpause", "cluster"])]
#[case(&["get"])]
#[case(&["get", "clusters"])]
#[case(&["get", "nodes"])]
#[case(&["get", "kubeconfig"])]
#[case(&["export"])]
#[case(&["export", "kubeconfig"])]
#[case(&["export", "logs"])]
#[case(&["load"])]
#[case(&["load", "docker-image"])]
#[case(&["load", "image-archive"])]
#[case(&["build"])]
#[case(&["build", "base-image"])]
#[case(&["build", "node-image"])]
#[case(&["ps"])]
#[case(&["gc"])]
#[case(&["report"])]
#[case(&["shell"])]
#[case(&["doctor"])]
#[case(&["completion"])]
#[case(&["manual"])]
#[case(&["kubectl"])]
#[case(&["tunnel"])]
#[case(&["build", "conformance"])]
#[case(&["conformance"])]
#[case(&["conformance", "run"])]
#[case(&["conformance", "list"])]
#[case(&["version"])]
fn help_is_golden(#[case] command: &[&str]) {
    let output = run(&[command, &["--help"]].concat());
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let name = [&["kind-rs"], command].concat().join("-");
    assert_golden(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt")), &stdout(&output));
}

#[test]
fn the_manual_is_golden() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["manual", folder.path().to_str().unwrap()]);
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/manual");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.collect::<std::collections::BTreeSet<_>>()
    };
    for name in names(folder.path()) {
        let page = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        assert_golden(golden.join(&name), &page);
    }
    assert_eq!(names(&golden), names(folder.path()));
}

#[test]
fn events_and_errors_are_json_where_that_is_asked_for() {
    let output = run(&["create", "cluster", "--progress=json", "--image", "x"]);
    let text = stderr(&output);
    let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = events.last().unwrap();
    assert_eq!(
        (&error["event"], &error["exitCode"], output.status.code()),
        (&"error".into(), &4.into(), Some(4)),
        "{text}"
    );
    assert!(error["at"].as_str().unwrap().ends_with('Z') && !error["message"].as_str().unwrap().is_empty(), "{text}");
    let quiet = run(&["delete", "cluster", "--progress", "json", "--quiet"]);
    assert_eq!(stderr(&quiet).lines().count(), 1, "{}", stderr(&quiet));
}

#[test]
fn without_arguments_there_is_help() {
    let output = run(&[]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), stdout(&run(&["-h"]))));
}

#[rstest]
#[case(&["create"], "Usage: kind-rs create")]
#[case(&["make", "cluster"], "unrecognized subcommand 'make'")]
#[case(&["create", "clutser"], "a similar subcommand exists: 'cluster'")]
#[case(&["create", "cluster", "--nmae", "x"], "a similar argument exists: '--name'")]
#[case(&["create", "cluster", "--wait", "5"], "expected a duration such as 90s")]
#[case(&["create", "cluster", "--timeout", "0s"], "expected more than no time at all")]
#[case(&["version", "--progress", "tty"], "[possible values: auto, plain, json]")]
#[case(&["create", "cluster", "x", "y"], "unexpected argument 'y'")]
#[case(&["create", "cluster", "x", "--name", "y"], "cannot be used with")]
#[case(&["delete", "cluster", "x", "--name", "y"], "cannot be used with")]
#[case(&["get", "nodes", "-A", "x"], "cannot be used with")]
#[case(&["shell", "a", "-i"], "<COMMAND>")]
#[case(&["stop", "cluster", "A"], "expected 1 to 49")]
#[case(&["start", "cluster", "--wait", "5"], "expected a duration such as 90s")]
#[case(&["delete", "clusters"], "<NAME>...")]
#[case(&["delete", "clusters", "a", "--all"], "cannot be used with")]
#[case(&["get", "nodes", "-A", "--name", "x"], "cannot be used with")]
#[case(&["version", "--verbosity", "x"], "invalid value 'x'")]
#[case(&["ps", "-o", "yaml"], "[possible values: table, json]")]
#[case(&["gc", "kind"], "unexpected argument 'kind'")]
#[case(&["shell"], "<NAME>")]
#[case(&["shell", "a", "worker", "ls"], "unexpected argument 'ls'")]
#[case(&["kubectl"], "kind-rs kubectl <NAME> [ARGUMENTS]...")]
#[case(&["create", "cluster", "-o", "json"], "--dry-run")]
#[case(&["get", "clusters", "-o", "xml"], "[possible values: json, yaml, name]")]
#[case(&["load", "docker-image"], "<IMAGE>...")]
#[case(&["build", "node-image", "--type", "ci"], "[possible values: module, source, file, url, release, image]")]
#[case(&["build", "node-image", "--checksum", "1234"], "expected 64 digits of SHA-256 or 128 of SHA-512")]
#[case(&["completion", "tcsh"], "[possible values: bash, zsh, fish, powershell]")]
fn wrong_arguments_are_refused(#[case] arguments: &[&str], #[case] words: &str) {
    assert_fails(&run(arguments), 2, &[words]);
}

#[rstest]
#[case(&["no-such-archive.tar.gz"], "expected the address or the path of an archive")]
#[case(&["--type", "file"], "one has to be named")]
#[case(&["--type", "source", "no-such-folder"], "expected the address or the path of an archive")]
#[case(&["--type", "module", "v1.37.2"], "--version says of which release")]
#[case(&["--version", "v1.12"], "this version is not supported")]
#[case(&["https://localhost/a.tar.gz", "--version", "v1.37.2"], "have a version of their own")]
#[case(&["--checksum", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], "goes with an archive")]
#[case(&["--type", "image", "a", "--base-image", "b"], "does not go with --type image")]
fn a_source_that_is_none_is_refused_before_an_engine_is_asked(#[case] arguments: &[&str], #[case] words: &str) {
    assert_fails(&run(&[&["build", "node-image"], arguments].concat()), 3, &[words]);
}

#[test]
fn no_color_takes_the_colours_out() {
    let help = |variables: &[(&str, &str)]| stdout(&run_in(Path::new("/"), &["--help"], variables, ""));
    assert!(help(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'), "there are no colours to take out");
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[rstest]
#[case(&["create", "cluster"])]
#[case(&["delete", "cluster"])]
#[case(&["delete", "clusters", "a", "b"])]
#[case(&["delete", "cluster", "a"])]
#[case(&["start", "cluster"])]
#[case(&["stop", "cluster", "a"])]
#[case(&["restart", "cluster", "--name", "a"])]
#[case(&["pause", "cluster"])]
#[case(&["unpause", "cluster", "--wait=0s"])]
#[case(&["delete", "clusters", "--all"])]
#[case(&["get", "clusters"])]
#[case(&["get", "nodes"])]
#[case(&["get", "nodes", "-A"])]
#[case(&["get", "kubeconfig", "--internal"])]
#[case(&["export", "kubeconfig"])]
#[case(&["export", "logs"])]
#[case(&["load", "docker-image", "x"])]
#[case(&["load", "image-archive", "x.tar"])]
#[case(&["build", "base-image"])]
#[case(&["build", "node-image"])]
#[case(&["ps"])]
#[case(&["gc", "--all"])]
#[case(&["shell", "a", "worker"])]
#[case(&["kubectl", "a", "--help"])]
#[case(&["build", "conformance"])]
fn no_engine_says_where_and_what_to_do(#[case] arguments: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let output = run_in(home.path(), arguments, &[], "");
    assert_fails(&output, 4, &["error: reach the container engine", NO_ENGINE, "start it"]);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "something was left in the home folder");
}

/// Before an engine is asked.
#[test]
fn a_suite_that_is_not_offered_is_a_mistake() {
    let home = tempfile::tempdir().unwrap();
    let output = run_in(home.path(), &["build", "conformance", "--version", "v1.34"], &[], "");
    assert_fails(&output, 2, &["conformance specs of Kubernetes v1.34", "v1.37.2, v1.36.3, v1.35.4"]);
}

#[rstest]
#[case("nodes: [{role: worker}]", "nodes: a cluster needs at least one control plane")]
#[case("nodes: [{role: master}]", "nodes[0].role: found \"master\"; allowed: control-plane, worker")]
#[case("nodse: []", "3:1: nodse: unknown field, did you mean `nodes`?")]
#[case(
    "kubeadmConfigPatches: [x]",
    "kubeadmConfigPatches[0]: this patch cannot be used: expected fields of a document"
)]
#[case("nodes: [", "not readable as YAML")]
fn a_wrong_configuration_is_explained(#[case] body: &str, #[case] words: &str) {
    let home = tempfile::tempdir().unwrap();
    let text = format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n{body}\n");
    fs::write(home.path().join("x.yaml"), &text).unwrap();
    let from_file = run_in(home.path(), &["create", "cluster", "--config", "x.yaml"], &[], "");
    assert_fails(&from_file, 3, &["configuration x.yaml: 1 mistake", "\n  x.yaml:", words]);
    let from_stdin = run_in(home.path(), &["create", "cluster", "--config=-"], &[], &text);
    assert_fails(&from_stdin, 3, &["configuration standard input: 1 mistake", words]);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = run(&["create", "cluster", "--config", "absent.yaml"]);
    assert_fails(&output, 3, &["read the configuration absent.yaml", "because: No such file"]);
}

#[test]
fn an_unusable_kubeconfig_is_found_before_the_work() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    fs::write(&file, "clusters: {}\n").unwrap();
    let output = run_in(home.path(), &["create", "cluster"], &[("KUBECONFIG", file.to_str().unwrap())], "");
    assert_fails(&output, 9, &["clusters is a mapping, expected a list; repair it"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "clusters: {}\n");
}

#[test]
fn a_wrong_variable_is_named() {
    let home = tempfile::tempdir().unwrap();
    let output = run_in(home.path(), &["get", "clusters"], &[("KIND_TEST_KEEP", "sometimes")], "");
    assert_fails(&output, 3, &["KIND_TEST_KEEP", "sometimes"]);
}

#[test]
fn the_list_is_printed_without_an_engine() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".local/state/kind-rs/clusters/0123456789");
    fs::create_dir_all(&folder).unwrap();
    let state = r#"{"format":1,"attempt":1,"failures":0,"since":0,"state":{"creating":{"step":"join the nodes"}}}"#;
    fs::write(folder.join("state.json"), state).unwrap();
    let table = run_in(home.path(), &["ps"], &[], "");
    assert_eq!(table.status.code(), Some(4), "{}", stderr(&table));
    assert!(stderr(&table).contains("error: reach the container engine"), "{}", stderr(&table));
    let lines: Vec<String> = stdout(&table).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("NAME ") && lines[1].starts_with("kt-0123456789  creating, no keeper "), "{lines:?}");
    assert_eq!(lines[2], "  join the nodes");
    let json = run_in(home.path(), &["ps", "-o", "json"], &[], "");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["engineError"].as_str().unwrap().contains(NO_ENGINE));
    assert_eq!(json["clusters"][0]["state"], "creating");
}

#[test]
fn a_local_file_that_cannot_be_sent_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::File::create(home.path().join("big.yaml")).unwrap().set_len(65 << 20).unwrap();
    let output = run_in(home.path(), &["kubectl", "a", "apply", "-f", "big.yaml"], &[], "");
    assert_fails(&output, 1, &["send big.yaml: its files have more than 64 MiB"]);
}

#[test]
fn errors_are_told_even_when_quiet() {
    assert_fails(&run(&["-q", "get", "clusters"]), 4, &["error: reach the container engine"]);
}

#[test]
fn the_version_is_one_line() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(stdout(&run(&["version"])).starts_with(&format!("kind-rs v{version} linux/")));
    assert_eq!(stdout(&run(&["version", "-q"])), format!("{version}\n"));
    assert_eq!(stdout(&run(&["--version"])), format!("kind-rs {version}\n"));
}

#[rstest]
#[case("bash", "complete -F ")]
#[case("zsh", "#compdef kind-rs")]
#[case("fish", "complete -c kind-rs")]
#[case("powershell", "Register-ArgumentCompleter")]
fn shells_get_a_script_that_knows_the_commands(#[case] shell: &str, #[case] words: &str) {
    let script = stdout(&run(&["completion", shell]));
    for words in [words, "docker-image", "no-switch", "dry-run"] {
        assert!(script.contains(words), "{shell}: {words:?} is not in the script");
    }
}

#[test]
fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, stdout(&run(&["completion", "bash"]))).unwrap();
    let complete = |words: &[&str]| {
        let program = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                       spec=$(complete -p kind-rs); spec=${spec##*-F }; \
                       \"${spec%% *}\" kind-rs \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
                       printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", program, "bash"]).arg(&script).args(words);
        let output = bash.output().unwrap();
        assert_eq!(stderr(&output), "", "{words:?}");
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["kind-rs", "cre"]), ["create"]);
    assert_eq!(complete(&["kind-rs", "load", "d"]), ["docker-image"]);
    assert_eq!(complete(&["kind-rs", "create", "cluster", "--dr"]), ["--dry-run"]);
    assert_eq!(complete(&["kind-rs", "get", "nodes", "--output", "j"]), ["json"]);
}

#[test]
fn a_report_is_written_anew_or_the_error_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let artifacts = home.path().join("artifacts");
    let arguments = ["report", artifacts.to_str().unwrap()];
    assert_fails(&run_in(home.path(), &arguments, &[], ""), 1, &["find the records of a test run in ", "ARTIFACTS"]);
    let run = artifacts.join("runs/nextest-1");
    fs::create_dir_all(&run).unwrap();
    let head =
        r#"{"format":1,"began":1,"run":"nextest 1","owner":{"pid":1,"start":0,"boot":""},"harness":"0","settings":[]}"#;
    fs::write(run.join("run.json"), head).unwrap();
    let output = run_in(home.path(), &arguments, &[], "");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert_eq!(stdout(&output).trim(), artifacts.join("report.html").to_str().unwrap());
    assert!(fs::read_to_string(artifacts.join("report.html")).unwrap().contains("No test ran"));
}

#[test]
fn the_doctor_says_what_is_wrong_also_without_an_engine() {
    let home = tempfile::tempdir().unwrap();
    let output = run_in(home.path(), &["doctor"], &[], "");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("✗ container engine: reach the container engine at unix:///"), "{text}");
    assert!(text.contains("(from DOCKER_HOST)") && text.contains("\n    DOCKER_HOST, DOCKER_CONTEXT and"), "{text}");
    assert!(text.contains("kernel: "), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&run(&["doctor", "-o", "json"]).stdout).unwrap();
    assert_eq!((json[0]["check"].as_str(), json[0]["verdict"].as_str()), (Some("container engine"), Some("bad")));
}

/// As a key for caches: the name that a build gives its result, and the same each time.
#[test]
fn a_reference_is_printed_without_an_engine_and_without_a_build() {
    let newest = kind_images::Release::newest();
    let node = run(&["build", "node-image", "--print-reference"]);
    assert_eq!(
        (stdout(&node).trim(), stderr(&node).as_str()),
        (kind_images::node_image_reference(newest).as_str(), "")
    );
    let base = run(&["build", "base-image", "--print-reference"]);
    assert_eq!(stdout(&base).trim(), kind_images::base_image_reference(newest));
    let older = stdout(&run(&["build", "node-image", "--version", "v1.36", "--print-reference"]));
    assert!(older.starts_with("kind-rs/node:v1.36."), "{older}");
    let suite = stdout(&run(&["build", "conformance", "--print-reference"]));
    assert!(suite.starts_with(&format!("kind-rs/conformance:{}-", newest.kubernetes)), "{suite}");
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().to_str().unwrap();
    let elsewhere = run(&["build", "node-image", "--type", "source", sources, "--print-reference"]);
    assert_fails(&elsewhere, 3, &["only known when the image is built"]);
}
