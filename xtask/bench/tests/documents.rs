//! What documents and `xtask` say about the harness, compared with the harness.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{fs, path::Path};

use kind_core::{settings::VARIABLES, spec};
use xtask::names;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap()
}

/// What others set for us, nobody has to know.
#[test]
fn the_readme_lists_every_variable_that_a_person_may_set() {
    let readme = readme();
    for variable in VARIABLES.iter().filter(|variable| !variable.meaning.starts_with("set by")) {
        let row = format!("| `{}` | {} | {} |", variable.name, variable.meaning, variable.default);
        assert!(readme.contains(&row), "README.md lacks this row, or words it in another way:\n{row}");
    }
}

#[test]
fn the_readme_lists_no_other_variable() {
    let rows = readme();
    for row in rows.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = row.split('`').next().unwrap();
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            assert!(VARIABLES.iter().any(|variable| variable.name == name), "nothing reads {name}");
        }
    }
}

#[test]
fn xtask_looks_for_the_names_that_the_harness_uses() {
    assert_eq!(names::LABEL_MANAGED, spec::LABEL_MANAGED);
    assert_eq!(names::LABEL_CONTAINER, spec::LABEL_CONTAINER);
    assert_eq!(names::LABEL_CLUSTER, spec::LABEL_CLUSTER);
    assert_eq!(names::LABEL_ROLE, spec::LABEL_ROLE);
    assert_eq!(names::ROLE_CONTROL_PLANE, spec::Role::ControlPlane.to_string());
    assert_eq!(names::ROLE_LOAD_BALANCER, spec::ROLE_LOAD_BALANCER);
    for (meaning, name) in
        [("a cluster's keeper", names::KEEPER_VARIABLE), ("writes a run's report", names::REPORTER_VARIABLE)]
    {
        let found = VARIABLES.iter().find(|variable| variable.meaning.contains(meaning));
        assert_eq!(found.map(|variable| variable.name), Some(name));
    }
}
