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
    assert_eq!(count, 8);
}
