//! Users come with the version of kube that they have. Each is a crate of its own, in one workspace, on one cluster.

use std::fs;

use crate::{case::play_alone, project::Project};

/// A test in each crate asks for its own version's types, and fails in the end. All run in a network of their own, in which
/// the cluster's published port is not, so that whatever they are given has to lead through the engine.
#[test]
fn each_is_given_its_own() {
    play_alone(async |case| {
        let Some(project) = Project::of_kube_versions().in_a_network_of_its_own() else {
            eprintln!("SKIPPED: this user may not make a network");
            return;
        };
        let run = case.start(&project, &["nextest", "run", "--offline", "--workspace", "--no-fail-fast"], |_| {});
        let (_, printed) = run.end(case).await;
        assert!(printed.contains("2 tests run: 0 passed, 2 failed"), "{printed}");
        for (version, _) in Project::KUBE_VERSIONS {
            let note = |what: &str| case.notes().join(format!("with-kube-{version}-{what}"));
            assert!(note("end").exists(), "the test with kube {version} did not come to its end:\n{printed}");
            assert!(note("deleted").exists(), "the fixture of kube {version} was not taken down:\n{printed}");
            let file = fs::read_to_string(note("file")).expect("the path of a kubeconfig's file");
            assert!(!fs::exists(&file).expect("look for the file"), "{file} is still there");
        }
        assert_eq!(case.auditor.containers_seen(), 1, "both share one cluster");
    });
}
