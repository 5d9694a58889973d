//! The house rules, checked with the tests as well as by `cargo xtask tidy`, so that nobody can forget them.

use std::fs;

use xtask::{tidy, workspace::Workspace};

#[test]
fn this_workspace_is_tidy() {
    if let Err(error) = tidy::check(&Workspace::of_this_program(None)) {
        panic!("{error}");
    }
}

#[test]
fn planted_violations_are_all_found() {
    let root = tempfile::tempdir().unwrap();
    let plant = |path: &str, text: &str| {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    plant("a/Cargo.toml", "[dependencies]\nbollard = \"0.21\"\n");
    plant("a/src/lib.rs", "//! A job.\n\nfn logic() {}\n");
    plant("a/src/b.rs", "fn f() { std::thread::sleep(D); }\n");
    plant("docs/c.md", "[gone](gone.md)\n");
    plant("target/debug/d.rs", "fn f() { todo!() }\n");
    let found: Vec<String> = tidy::violations(root.path()).unwrap().iter().map(ToString::to_string).collect();
    let places: Vec<&str> = found.iter().map(|line| line.rsplit_once(": ").map_or("", |(_, rule)| rule)).collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(places.iter().all(|rule| !rule.is_empty()));
    for place in ["a/src/b.rs:1", "a/src/b.rs:1", "a/src/lib.rs:3", "a/Cargo.toml:2", "docs/c.md:1"] {
        assert!(found.iter().any(|line| line.starts_with(place)), "{place}: {found:#?}");
    }
}
