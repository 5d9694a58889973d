//! The documents' commands exist: each is read by the real command line, or found where its code lives.

use std::{fs, path::PathBuf};

use clap::Parser;
use xtask::{args::Cli, workspace::Workspace};

const DOCUMENTS: [&str; 4] = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "examples/README.md"];

fn file(path: &str) -> PathBuf {
    Workspace::of_this_program(None).root().join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// Command lines in code blocks and between backticks, comments cut off.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block || line.starts_with("    ") {
            found.push(line);
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found.iter().map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn every_xtask_command_in_the_documents_exists() {
    let mut count = 0;
    for document in DOCUMENTS {
        for command in commands(&read(document)) {
            let Some(arguments) = command.strip_prefix("cargo xtask ") else { continue };
            count += 1;
            let words = std::iter::once("xtask").chain(arguments.split_whitespace());
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{document}: `{command}`: {error}");
            }
        }
    }
    assert!(count >= 7, "only {count} commands were found: are they still written in code blocks?");
}

/// Whoever comes with a crate of their own reads first what to add to it.
#[test]
fn the_readme_begins_with_three_lines_for_a_crate_of_ones_own() {
    let commands = commands(&read("README.md"));
    let lines: Vec<&str> =
        commands.iter().take_while(|command| !command.starts_with("cargo xtask")).map(String::as_str).collect();
    let added: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("cargo add --dev ")).collect();
    let [harness, kube, types] = added.as_slice() else { panic!("three lines: {added:?}") };
    let path = harness.strip_prefix("kind-harness --path …/kind-harness/").expect("the harness by its path");
    assert!(read(&format!("{path}/Cargo.toml")).contains("name = \"kind-harness\""), "{path}");
    assert_eq!(*kube, "kube");
    let feature = types.strip_prefix("k8s-openapi --features ").expect("the types of a version");
    let manifest = read("harness/Cargo.toml");
    let ours = manifest.lines().find(|line| line.starts_with("k8s-openapi = ")).expect("our own");
    assert!(ours.contains(&format!("[\"{feature}\"]")), "{ours}");
    for command in ["cargo nextest run", "cargo test"] {
        assert!(lines.contains(&command), "{command}: {lines:?}");
    }
}

/// sudo has a search path of its own on Ubuntu, where cargo is in the user's home.
#[test]
fn ci_keeps_the_search_path_through_sudo() {
    assert!(read(".github/workflows/ci.yml").contains(" env \"PATH=$PATH\" .ci/run\n"));
}

/// The variables that files for CI set are read by somebody.
#[test]
fn what_is_set_in_ci_is_in_the_readmes_table() {
    let table = read("README.md");
    let mut count = 0;
    for document in ["docs/ci.md", ".github/actions/test/action.yml"] {
        for line in read(document).lines() {
            let Some((name, _)) = line.trim().split_once(": ") else { continue };
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                // One is the image's for its own engine, two are the action's for itself.
                let is_known = ["DOCKER_TLS_CERTDIR", "COMMAND", "OUTCOME"].contains(&name);
                assert!(is_known || table.contains(&format!("| `{name}` |")), "{document}: {name}");
                count += 1;
            }
        }
    }
    assert!(count >= 12, "{count}");
}

#[test]
fn the_readme_leads_with_demo_and_test() {
    let commands = commands(&read("README.md"));
    let mut xtask = commands.iter().filter(|command| command.starts_with("cargo xtask"));
    assert_eq!(xtask.next().map(String::as_str), Some("cargo xtask demo"));
    assert_eq!(xtask.next().map(String::as_str), Some("cargo xtask test"));
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let script = read(".ci/run");
    let last = script.lines().rfind(|line| !line.trim().is_empty()).unwrap();
    assert_eq!(last, "exec cargo xtask test");
}

#[test]
fn every_kind_rs_command_in_the_readme_has_its_module() {
    let entries = fs::read_dir(file("cli/src/commands")).unwrap().map(|entry| entry.unwrap().path());
    let modules: Vec<String> = entries
        .map(|path| if path.is_dir() { path.join("mod.rs") } else { path })
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut count = 0;
    for command in commands(&read("README.md")) {
        let Some(arguments) = command.strip_prefix("cargo run --package kind-cli -- ") else { continue };
        count += 1;
        let words: Vec<&str> = arguments.split_whitespace().collect();
        // One or two of the first words name the command.
        let is_head = |module: &String, count: usize| {
            words.get(..count).is_some_and(|words| module.starts_with(&format!("//! `kind-rs {}`", words.join(" "))))
        };
        assert!(
            modules.iter().any(|module| is_head(module, 1) || is_head(module, 2)),
            "no module of cli/src/commands is for `{command}`"
        );
    }
    assert_eq!(count, 9);
}
