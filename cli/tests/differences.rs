//! `docs/kind-differences.md`: every row says how it stands and which test backs it, and nothing of ours is left out.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const VERDICTS: [&str; 4] = ["same", "better", "other", "not offered"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn document() -> String {
    fs::read_to_string(workspace().join("docs/kind-differences.md")).unwrap()
}

/// The cells of every row, heads left out.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('|') && !line.starts_with("| ---"));
    let cells = rows.map(|row| {
        row.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect::<Vec<_>>()
    });
    cells.filter(|cells| cells.first() != Some(&"kind")).collect()
}

/// The text of every Rust file that has tests.
fn sources(folder: &Path, texts: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, texts);
        } else if path.extension().is_some_and(|end| end == "rs") {
            texts.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_row_is_backed_by_a_test_that_exists() {
    let document = document();
    let rows = rows(&document);
    assert!(rows.len() > 100, "{} rows", rows.len());
    let mut code = String::new();
    sources(&workspace(), &mut code);
    for row in rows {
        let [_, verdict, how, backing] = row.as_slice() else { panic!("four cells: {row:?}") };
        assert!(VERDICTS.contains(verdict), "{row:?}");
        if backing.is_empty() {
            assert_eq!(*verdict, "not offered", "no test backs {row:?}");
            assert!(!how.is_empty(), "no reason is given: {row:?}");
        }
        for test in backing.split(", ").map(|test| test.trim_matches('`')).filter(|test| !test.is_empty()) {
            if test.contains('/') {
                let file = workspace().join(format!("cli/tests/fixtures/v1alpha4/{test}.yaml"));
                assert!(file.exists(), "{} of {row:?}", file.display());
                continue;
            }
            assert!(code.contains(&format!("fn {test}(")), "there is no test {test}: {row:?}");
            // That a flag is in the help says nothing of what it does.
            assert!(test != "help_is_golden" || row[0] == "`--help`", "{row:?}: name a test of the behaviour");
        }
    }
}

#[test]
fn every_field_of_a_configuration_has_a_row() {
    let text = document();
    let folder = workspace().join("core/src/spec/config");
    let mut count = 0;
    for file in ["document.rs", "node.rs", "networking.rs", "extension.rs"] {
        let code = fs::read_to_string(folder.join(file)).unwrap();
        for list in code.split("FIELDS: &[&str] = &[").skip(1) {
            for field in list.split(']').next().unwrap().split('"').skip(1).step_by(2) {
                count += 1;
                let is_named = ["`", ".", "`networking."]
                    .iter()
                    .any(|before| [" ", "`"].iter().any(|after| text.contains(&format!("{before}{field}{after}"))));
                assert!(is_named, "{field} has no row");
            }
        }
    }
    assert!(count > 30, "{count} fields");
}

#[test]
fn every_command_and_flag_has_a_row() {
    let text = document();
    let golden = workspace().join("cli/tests/golden");
    for entry in fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        let Some(command) = path.file_stem().unwrap().to_string_lossy().strip_prefix("kind-rs-").map(str::to_owned)
        else {
            continue;
        };
        let words = command.replacen('-', " ", 1);
        let is_named = text.contains(&format!("`{words}")) || text.contains(&format!("`{command}`"));
        let is_group =
            ["create", "delete", "get", "export", "load", "build", "conformance"].contains(&command.as_str());
        // What kind does not have has one row for all of it.
        let is_ours =
            ["ps", "gc", "shell", "kubectl", "doctor", "manual", "start", "stop", "restart", "pause", "unpause"]
                .iter()
                .any(|ours| command.starts_with(ours));
        assert!(is_named || is_group || is_ours, "{words} has no row");
        if is_group || is_ours {
            continue;
        }
        let help = fs::read_to_string(&path).unwrap();
        for line in help.lines().filter(|line| line.trim_start().starts_with('-')) {
            let flag = line.split_whitespace().find(|word| word.starts_with("--")).unwrap_or_default();
            let is_named = text.lines().any(|row| row.contains(&format!("`{words}")) && row.contains(flag));
            let is_global = ["--quiet", "--verbosity", "--progress", "--help"].contains(&flag);
            assert!(is_named || is_global, "{words} {flag} has no row");
        }
    }
}
