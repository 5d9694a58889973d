//! `kind-rs conformance` from outside, with a suite that is a script and an API that answers three questions. Neither an
//! engine nor a cluster is needed.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

mod fake_api;

use fake_api::serve;
use kind_conformance::Catalog;
use kind_images::{Release, conformance};

/// Specs whose names need no quoting in the script. Two are parallel, one is serial.
const THREE: &str = r"^sig-scheduling::(limitrange::should_(create|list)|schedulerpredicates::serial::validates_that_nodeselector_is_respected_if_not)";

/// The suite, in bash, which needs no other program to change a text: it finds the spec's name in the focus, and what is to
/// become of it in files of the test.
const SUITE: &str = r#"#!/bin/bash
for a in "$@"; do case $a in
  --ginkgo.focus=*) focus=${a#*=};;
  --ginkgo.json-report=*) report=${a#*=};;
esac; done
name=${focus// +/ } name=${name//\\/} name=${name# } name=${name% \*\$} quoted=${name//\"/\\\"}
echo "$name" >>PLACE/ran
echo "Starting e2e run \"run-1\" on Ginkgo node 1"
state() { echo '[{"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"'"$quoted"'","State":"'$1'","RunTime":1500000000,"Failure":{"Message":"expected a pod","Location":{"FileName":"pod.go","LineNumber":7}}}]}]' >"$report"; }
printf -- '------------------------------\n%s\nits own words\n------------------------------\n' "$name"
if [ -e PLACE/vanishes ]; then rm "$0"; fi
if [ -e PLACE/hangs ]; then
  trap 'echo "$name" >>PLACE/stopped; state interrupted; exit 1' INT
  echo begun >>PLACE/begun
  while :; do sleep 0.01; done
fi
fails="none of them"
if [ -e PLACE/fails ]; then read -r fails <PLACE/fails; fi
case $name in *"$fails"*) state failed; exit 1;; esac
state passed
"#;

/// Somebody's cluster, a built suite, and a folder to work in.
struct Place {
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Place {
    fn new(nodes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let suite = conformance::expected(Release::newest(), &folder.path().join(".cache/kind-rs/images")).unwrap();
        for (path, text) in [
            (&suite.e2e_test, SUITE.replace("PLACE", &folder.path().display().to_string())),
            (&suite.kubectl, "#!/bin/sh\n".to_owned()),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let port = serve(nodes);
        let kubeconfig = folder.path().join("kubeconfig");
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: dev, clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: u, user: {{}}}}], contexts: [{{name: dev, context: {{cluster: c, user: u}}}}]}}"
        );
        fs::write(&kubeconfig, text).unwrap();
        Self { folder, kubeconfig }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kind-rs"));
        command
            .args(["conformance", "run", "--kubeconfig"])
            .arg(&self.kubeconfig)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// As [`Place::run`], for the three specs.
    fn run_three(&self, arguments: &[&str]) -> Output {
        self.run(&[&["--focus", THREE], arguments].concat())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The names of the specs that the suite was started for since the last look.
    fn ran(&self) -> usize {
        let count = self.read("ran").lines().count();
        let _ = fs::remove_file(self.file("ran"));
        count
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, out: &[&str], err: &[&str]) {
    let (stdout, stderr) = (stdout(output), stderr(output));
    let all = format!("---- stdout\n{stdout}---- stderr\n{stderr}");
    assert_eq!(output.status.code(), Some(code), "{all}");
    for (words, text) in out.iter().map(|words| (words, &stdout)).chain(err.iter().map(|words| (words, &stderr))) {
        assert!(text.contains(words), "expected {words:?} in\n{all}");
    }
}

#[test]
fn what_passed_is_not_run_again_until_it_is_asked_for() {
    let place = Place::new(2);
    let first = place.run_three(&[]);
    assert_ends(
        &first,
        0,
        &["✓ sig-scheduling::limitrange::", "(1.5 s)", "3 passed, 0 failed, 0 without"],
        &["belongs to somebody else", "3 of 3 specs to run: 2 by", "then 1 alone"],
    );
    assert_eq!(place.ran(), 3);
    assert_ends(&place.run_three(&[]), 0, &["3 passed, 0 failed"], &["0 of "]);
    assert_eq!(place.ran(), 0);
    assert_ends(&place.run_three(&["--anew", "--skip", r"\[Serial\]"]), 0, &["2 passed"], &["0 alone"]);
    assert_eq!(place.ran(), 2);
}

#[test]
fn a_failure_is_told_in_its_own_words_and_tried_again() {
    let place = Place::new(2);
    fs::write(place.file("fails"), "NodeSelector\n").unwrap();
    let first = place.run_three(&["--junit", "junit.xml", "--results", "there"]);
    let failed =
        "sig-scheduling::schedulerpredicates::serial::validates_that_nodeselector_is_respected_if_not_matching";
    assert_ends(
        &first,
        12,
        &[&format!("✗ {failed}"), "2 passed, 1 failed", &format!("failed: {failed}")],
        &[
            "  expected a pod\n    at pod.go:7",
            "its own words",
            "everything that the suite printed: ",
            "1 of 3 specs failed",
        ],
    );
    let log = place.read(&format!("there/specs/{}/e2e.log", failed.replace("::", ".")));
    assert!(log.starts_with("Starting e2e run"), "{log}");
    let junit = place.read("junit.xml");
    assert!(
        junit.contains(r#"tests="3" skipped="0" errors="0" failures="1""#) && junit.contains("its own words"),
        "{junit}"
    );
    assert_eq!(place.ran(), 3);

    fs::remove_file(place.file("fails")).unwrap();
    let again = place.run_three(&["--rerun-failed", "--junit", "junit.xml", "--results", "there"]);
    assert_ends(&again, 0, &["1 passed, 0 failed"], &["1 of 3 specs to run"]);
    assert_eq!(place.ran(), 1);
    assert!(place.read("junit.xml").contains(r#"tests="3" skipped="0" errors="0" failures="0""#));
    assert_ends(&place.run_three(&["--rerun-failed", "--results", "there"]), 0, &["0 passed"], &["0 of "]);
}

#[test]
fn what_breaks_a_run_loses_no_result() {
    let place = Place::new(2);
    fs::write(place.file("vanishes"), "").unwrap();
    let output = place.run_three(&["--parallel", "1", "--junit", "junit.xml"]);
    assert_ends(&output, 1, &["1 passed, 0 failed, 2 without a result"], &["e2e.test"]);
    assert!(place.read("junit.xml").contains("failures=\"0\""), "{}", place.read("junit.xml"));

    let place = Place::new(2);
    let folder = "conformance-v1.37.2-certified";
    fs::write(place.file("hangs"), "").unwrap();
    let mut child = place.command(&["--certified", "--parallel", "2"]).spawn().unwrap();
    wait_for(&place, "begun", 1, &mut child);
    interrupt(&child);
    child.wait().unwrap();
    fs::remove_file(place.file("hangs")).unwrap();
    pretend_the_rest_passed(&place, folder);
    fs::write(place.file("vanishes"), "").unwrap();
    let output = place.run(&["--certified", "--parallel", "1"]);
    assert_ends(&output, 1, &["460 passed, 0 failed, 2 without a result"], &["submission: "]);
    assert!(place.read(&format!("{folder}/submission/e2e.log")).contains("460 Passed | 0 Failed"));
}

/// Waits until the running suite has written so many lines to the file.
fn wait_for(place: &Place, file: &str, lines: usize, child: &mut Child) {
    while place.read(file).lines().count() < lines {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {:?}", child.wait());
        std::thread::yield_now();
    }
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn after_ctrl_c_running_specs_clean_up_and_the_next_run_goes_on() {
    let place = Place::new(2);
    assert_ends(&place.run_three(&["--skip", "NodeSelector|list_patch"]), 0, &["1 passed"], &[]);
    fs::write(place.file("hangs"), "").unwrap();
    let mut child = place.command(&["--focus", THREE]).spawn().unwrap();
    wait_for(&place, "begun", 1, &mut child);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_ends(
        &output,
        130,
        &["1 passed, 0 failed, 2 without a result"],
        &["interrupted: running specs clean up", "the same command goes on"],
    );
    assert_eq!(place.read("stopped").lines().count(), 1);
    fs::remove_file(place.file("hangs")).unwrap();
    place.ran();
    fs::write(place.file("fails"), "NodeSelector\n").unwrap();
    assert_ends(&place.run_three(&[]), 12, &["2 passed, 1 failed"], &["2 of 3 specs to run"]);
    assert_eq!(place.ran(), 2);

    // What was stopped while it was tried again still counts as failed, and the run as interrupted.
    fs::write(place.file("hangs"), "").unwrap();
    fs::remove_file(place.file("begun")).unwrap();
    let mut child = place.command(&["--focus", THREE, "--rerun-failed"]).spawn().unwrap();
    wait_for(&place, "begun", 1, &mut child);
    interrupt(&child);
    assert_ends(&child.wait_with_output().unwrap(), 130, &["0 passed, 1 failed"], &["goes on with what is left"]);
}

/// Puts results into a certified run's folder as if all specs but the three had passed: each takes only milliseconds here,
/// and there are 462.
fn pretend_the_rest_passed(place: &Place, folder: &str) {
    let three = regex::Regex::new(THREE).unwrap();
    let mut results = String::new();
    for spec in Catalog::newest().specs().iter().filter(|spec| !three.is_match(spec.test)) {
        results.extend([spec.test, "\tpassed\t1.00\t2.00\n"]);
        let log = place.file(&format!("{folder}/specs/{}", spec.test.replace("::", ".")));
        fs::create_dir_all(&log).unwrap();
        fs::write(log.join("e2e.log"), "its own words\n").unwrap();
    }
    fs::write(place.file(&format!("{folder}/results.tsv")), results).unwrap();
}

#[test]
fn a_certified_run_names_what_it_lacks() {
    let place = Place::new(2);
    let folder = "conformance-v1.37.2-certified";
    let submission = |name: &str| place.read(&format!("{folder}/submission/{name}"));
    fs::write(place.file("hangs"), "").unwrap();
    let mut child = place.command(&["--certified", "--parallel", "2"]).spawn().unwrap();
    // So many specs take turns, and the suite is still asked for their order.
    wait_for(&place, "begun", 1, &mut child);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_ends(&output, 130, &["0 passed, 0 failed, 462 without a result"], &["the same command goes on"]);
    assert!(submission("e2e.log").ends_with("FAIL! -- 0 Passed | 0 Failed | 0 Pending | 462 Skipped\nFAIL\n"));
    fs::remove_file(place.file("hangs")).unwrap();

    pretend_the_rest_passed(&place, folder);
    place.ran();
    fs::write(place.file("fails"), "should list, patch and delete a LimitRange\n").unwrap();
    let failed = "sig-scheduling::limitrange::should_list_patch_and_delete_a_limitrange_by_collection";
    let out = ["461 passed, 1 failed", &format!("failed: {failed}")];
    let err = ["the run is not complete: 1 specs failed", "fill in PRODUCT.yaml: vendor, name", "--anew"];
    assert_ends(&place.run(&["--certified"]), 12, &out, &err);
    assert_eq!(place.ran(), 3);
    let entries = fs::read_dir(place.file(&format!("{folder}/submission"))).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["PRODUCT.yaml", "README.md", "e2e.log", "junit_01.xml"]);
    assert!(submission("e2e.log").ends_with("FAIL! -- 461 Passed | 1 Failed | 0 Pending | 0 Skipped\nFAIL\n"));
    assert!(submission("junit_01.xml").contains(r#"tests="462" skipped="0" errors="0" failures="1""#));

    // Nothing is tried twice.
    fs::remove_file(place.file("fails")).unwrap();
    assert_ends(&place.run(&["--certified"]), 12, &["461 passed, 1 failed"], &["0 of 462"]);
    assert_eq!(place.ran(), 0);

    pretend_the_rest_passed(&place, folder);
    fs::write(place.file(&format!("{folder}/submission/PRODUCT.yaml")), "vendor: Example\n").unwrap();
    let err = ["3 of 462 specs to run", "PRODUCT.yaml: name, version"];
    assert_ends(&place.run(&["--certified"]), 0, &["462 passed, 0 failed, 0 without"], &err);
    assert!(submission("README.md").contains("462 passed, 0 failed, 0 did not run"));
    assert!(submission("README.md").contains("it has 4 pieces, on one cluster."));
    assert!(submission("README.md").contains("The cluster was there before."));
    assert!(submission("e2e.log").ends_with("SUCCESS! -- 462 Passed | 0 Failed | 0 Pending | 0 Skipped\nPASS\n"));
    assert_eq!(submission("e2e.log").matches("its own words").count(), 462);
    assert_eq!(submission("PRODUCT.yaml"), "vendor: Example\n");

    // Evidence that is gone is missed.
    fs::remove_dir_all(place.file(&format!("{folder}/specs/{}", failed.replace("::", ".")))).unwrap();
    let out = [format!("without a log: {failed}")];
    assert_ends(&place.run(&["--certified"]), 12, &[&out[0]], &["1 have no log"]);
}

#[test]
fn a_cluster_that_cannot_be_certified_is_refused_beforehand() {
    let place = Place::new(1);
    assert_ends(
        &place.run(&["--certified"]),
        12,
        &[],
        &["2 Ready nodes that take pods are needed, and there is node-0"],
    );
    assert_eq!(place.ran(), 0);
    // Without a certificate it is a warning.
    assert_ends(&place.run_three(&[]), 0, &["3 passed"], &["2 Ready nodes", "may fail for that"]);
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    let place = Place::new(2);
    assert_ends(&place.run(&["--focus", "no such spec"]), 2, &[], &["none of the 462 matches"]);
    assert_ends(&place.run(&["--version", "v1.0.0"]), 2, &[], &["there are those of v1.37.2, v1.36.3, v1.35.4"]);
    assert_ends(&place.run(&["--focus", "["]), 2, &[], &["unclosed character class"]);
    assert_ends(&place.run(&["--certified", "--skip", "x"]), 2, &[], &["cannot be used with"]);
    assert_ends(&place.run(&["--parallel", "0"]), 2, &[], &["invalid value '0'"]);
    assert_ends(&place.run(&["--images", "upstream"]), 2, &[], &["cannot be used with"]);
    fs::create_dir(place.file("full")).unwrap();
    fs::write(place.file("full/thesis.tex"), "").unwrap();
    assert_ends(&place.run_three(&["--results", "full"]), 1, &[], &["holds no results of a conformance run"]);
    assert_ends(&place.run_three(&["--results", "there"]), 0, &[], &[]);
    assert_ends(&place.run(&["--certified", "--results", "there"]), 1, &[], &["and this run is about a certified run"]);
    fs::write(&place.kubeconfig, "{apiVersion: v1, kind: Config}").unwrap();
    assert_ends(&place.run_three(&[]), 11, &[], &["--kubeconfig ", "no current context"]);
    fs::remove_dir_all(place.file(".cache")).unwrap();
    assert_ends(&place.run_three(&[]), 5, &[], &["`kind-rs build conformance --version v1.37.2` builds it"]);
}

#[test]
fn specs_are_listed_by_name_and_for_programs() {
    let list = |arguments: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kind-rs"));
        command.args(["conformance", "list"]).args(arguments).env_clear().env("HOME", home.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(list(&[]).lines().count(), 462);
    assert_eq!(list(&["--skip", r"\[Serial\]"]).lines().count(), 433);
    let json: serde_json::Value = serde_json::from_str(&list(&["--focus", THREE, "-o", "json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert_eq!(json.as_array().unwrap().iter().filter(|spec| spec["serial"] == true).count(), 1);
}

/// The path is only right while nobody moves what the tests put there.
#[test]
fn the_suite_of_the_tests_is_where_builds_put_theirs() {
    let place = Place::new(2);
    let cache = Path::new(&place.file(".cache")).join("kind-rs/images");
    assert!(conformance::find(Release::newest(), &cache).is_some());
}
