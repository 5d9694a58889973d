//! What would be published is complete: it compiles from its archives alone, and says what a registry asks for.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::project::{Project, outer};

const PUBLISHED: [&str; 9] = [
    "kind-cli",
    "kind-conformance",
    "kind-core",
    "kind-engine",
    "kind-harness",
    "kind-images",
    "kind-lease",
    "kind-macros",
    "kind-report",
];

/// All of them, and a crate that depends on the harness as a stranger's does. Nothing is fetched.
#[test]
fn each_compiles_from_its_archive_alone() {
    let project = Project::of_the_packages();
    let made = project.folder().join("made");
    let mut package = Command::new("cargo");
    package
        .current_dir(outer())
        .args(["package", "--no-verify", "--offline", "--allow-dirty", "--target-dir"])
        .arg(&made);
    let packed = package.args(PUBLISHED.iter().flat_map(|name| ["--package", name])).status();
    assert!(packed.expect("start cargo").success());
    let unpacked = project.folder().join("unpacked");
    // What is not in an archive any more must not help.
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).expect("remove what was unpacked before");
    }
    fs::create_dir(&unpacked).expect("make a folder");
    for name in PUBLISHED {
        let manifest = unpack(&made.join("package"), name, &unpacked);
        let package = manifest["package"].as_table().expect("a table");
        for field in
            ["description", "documentation", "keywords", "categories", "license", "readme", "rust-version", "version"]
        {
            assert!(package.contains_key(field), "{name} has no {field}");
        }
        assert_ne!(package.get("publish"), Some(&toml::Value::Boolean(false)), "{name} may not be published");
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
            let text = fs::read_to_string(unpacked.join(name).join(file)).unwrap_or_default();
            assert!(text.len() > 100, "{name} is without its {file}");
        }
    }
    let of_the_user = ["--lib", "--bins", "--test", "first"];
    let packages = ["--package", "user", "--package", "kind-cli", "--package", "kind-conformance"];
    project.succeed(&[&["check", "--offline"][..], &of_the_user, &packages].concat());
}

/// Unpacks an archive into a folder of its name, and reads its manifest.
fn unpack(archives: &Path, name: &str, into: &Path) -> toml::Table {
    let version = env!("CARGO_PKG_VERSION");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archives.join(format!("{name}-{version}.crate"))).arg("-C").arg(into).stdin(Stdio::null());
    assert!(tar.status().expect("start tar").success());
    let folder = into.join(name);
    fs::rename(into.join(format!("{name}-{version}")), &folder).expect("name the folder");
    fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest").parse().expect("a manifest")
}
