//! Every configuration of the corpus through `create cluster --dry-run`: the valid ones give the plan that lies beside
//! them, the invalid ones give exactly the mistakes that their `# expect:` lines say.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use kind_testkit::assert_golden;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1alpha4").join(name)
}

/// The configurations of a folder, in order.
fn configurations(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    paths.sort();
    paths
}

/// Runs the program without an engine, beside the file.
fn dry_run(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kind-rs"))
        .args(["create", "cluster", "--dry-run", "--config"])
        .arg(file.file_name().unwrap())
        .args(arguments)
        .current_dir(file.parent().unwrap())
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
        .output()
        .unwrap()
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn valid_configurations_have_a_plan() {
    let folder = folder("valid");
    let files = configurations(&folder);
    assert!(files.len() >= 70, "{}", files.len());
    for file in files {
        let output = dry_run(&file, &[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{}", file.display());
        // Relative host paths are relative to the file, which lies elsewhere on every machine.
        let plan = String::from_utf8(output.stdout).unwrap();
        let plan = plan.replace(&folder.display().to_string(), "HERE");
        let plan = plan.replace(&folder.parent().unwrap().display().to_string(), "ABOVE");
        // Which host paths are there is another matter on every machine.
        let plan: String = plan.split_inclusive('\n').filter(|line| !line.contains(": nothing is at ")).collect();
        assert_golden(folder.join(format!("{}.plan", name(&file))), &plan);
    }
}

#[test]
fn invalid_configurations_have_exactly_their_mistakes() {
    let files = configurations(&folder("invalid"));
    assert!(files.len() >= 80, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
        let output = dry_run(&file, &[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        let context = format!("{}\n{text}\n{errors}", file.display());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), [].as_slice()), "{context}");
        let count = expected.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        assert!(errors.contains(&format!(": {count} {noun}\n")), "{context}");
        let found: Vec<&str> = errors.lines().skip(1).collect();
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.contains(expected), "expected {expected:?}\n{context}");
            assert!(found.trim_start().starts_with(&format!("{}.yaml:", name(&file))), "{context}");
        }
    }
}

#[test]
fn a_plan_is_also_a_document() {
    let file = folder("valid").join("everything.yaml");
    let json = dry_run(&file, &["--output", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["apiServer"]["port"], 6443);
    assert_eq!(json["nodes"][0]["mounts"][0], "/h -> /c (read only, relabelled for SELinux, the host's mounts spread)");
    let yaml = dry_run(&file, &["-o", "yaml"]).stdout;
    let yaml: serde_json::Value = serde_yaml::from_slice(&yaml).unwrap();
    assert_eq!(yaml, json);
    let names = String::from_utf8(dry_run(&file, &["-o=name"]).stdout).unwrap();
    assert_eq!(names, "all-control-plane\nall-worker\n");
}
