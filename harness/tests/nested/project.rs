//! The copy of the fixture, and how cargo is called in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::case::Case;

/// Files of the fixture and where they go.
const FILES: [(&str, &str); 4] = [
    (include_str!("../fixtures/nested/nextest.toml"), ".config/nextest.toml"),
    (include_str!("../fixtures/nested/src/lib.rs"), "src/lib.rs"),
    (include_str!("../fixtures/nested/tests/first.rs"), "tests/first.rs"),
    (include_str!("../fixtures/nested/tests/second.rs"), "tests/second.rs"),
];

/// The copy. It is the same folder for every case, in the target folder, so that it is built once.
pub(crate) struct Project {
    folder: PathBuf,
    target: PathBuf,
    /// Words before `cargo`.
    within: &'static [&'static str],
}

impl Project {
    /// Copies the fixture and builds it with what the outer build has of it already.
    pub(crate) fn new() -> Self {
        Self::build("nested", &manifest("nested-fixture"), &FILES)
    }

    /// A case's own copy of the crate with tests on fresh clusters, which are prepared with this text.
    pub(crate) fn of_fresh(name: &str, seed: &str) -> Self {
        let files =
            [FILES[0], FILES[1], (include_str!("../fixtures/fresh/tests/fresh.rs"), "tests/fresh.rs"), (seed, "seed")];
        Self::build(name, &manifest(name), &files)
    }

    /// The crate of somebody who did what the README begins with.
    pub(crate) fn of_the_readme() -> Self {
        let readme = readme();
        let (_, test) = readme.split_once("```rust\n").expect("an example");
        let (test, _) = test.split_once("```").expect("its end");
        let manifest = format!(
            "[workspace]\n[package]\nname = \"of-the-readme\"\nedition = \"2024\"\n[dev-dependencies]\n{}\n",
            dependencies()
        );
        Self::build("of-the-readme", &manifest, &[("", "src/lib.rs"), (test, "tests/first.rs")])
    }

    /// A workspace of what would be published, with a crate that uses it, and nothing of this repository beside it.
    pub(crate) fn of_the_packages() -> Self {
        let manifest = include_str!("../fixtures/packages/manifest.toml");
        let user = include_str!("../fixtures/packages/user.toml");
        let test = include_str!("../fixtures/packages/first.rs");
        let files = [(user, "user/Cargo.toml"), ("", "user/src/lib.rs"), (test, "user/tests/first.rs")];
        Self::lay_out("packages", manifest, &files)
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The versions of kube that features are for, each with its version of k8s-openapi.
    pub(crate) const KUBE_VERSIONS: [(&str, &str); 2] = [("3", "0.27"), ("4", "0.28")];

    /// A workspace with a crate for each version of kube.
    pub(crate) fn of_kube_versions() -> Self {
        let member = include_str!("../fixtures/kube-versions/member.toml");
        let test = include_str!("../fixtures/kube-versions/first.rs");
        let files = Self::KUBE_VERSIONS.iter().flat_map(|(version, openapi)| {
            let member = member.replace("HARNESS", env!("CARGO_MANIFEST_DIR"));
            let folder = format!("kube-{version}");
            let member = member.replace("KUBE", version).replace("OPENAPI", openapi);
            [(member, "Cargo.toml"), (String::new(), "src/lib.rs"), (test.to_owned(), "tests/first.rs")]
                .map(|(text, path)| (text, format!("{folder}/{path}")))
        });
        let files: Vec<(String, String)> = files.collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(text, path)| (text.as_str(), path.as_str())).collect();
        let project = Self::lay_out("kube-versions", include_str!("../fixtures/kube-versions/manifest.toml"), &files);
        // Nothing else here needs these crates: Cargo may have to fetch them.
        project.succeed(&["nextest", "run", "--no-run", "--workspace"]);
        project
    }

    /// The same, whose runs are in a network of their own, in which nothing is that this machine publishes. `None` where
    /// this user may not make one.
    pub(crate) fn in_a_network_of_its_own(self) -> Option<Self> {
        const WITHIN: &[&str] = &["unshare", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"];
        let tried = Command::new(WITHIN[0]).args(&WITHIN[1..]).arg("true").status();
        tried.is_ok_and(|status| status.success()).then_some(Self { within: WITHIN, ..self })
    }

    fn build(name: &str, manifest: &str, files: &[(&str, &str)]) -> Self {
        let project = Self::lay_out(name, manifest, files);
        project.succeed(&["nextest", "run", "--no-run", "--offline"]);
        project
    }

    /// Cargo's, in the copy; panics where it fails.
    pub(crate) fn succeed(&self, arguments: &[&str]) {
        let ended = self.cargo(arguments).status().expect("start cargo");
        assert!(ended.success(), "cargo {}: {ended}", arguments.join(" "));
    }

    fn lay_out(name: &str, manifest: &str, files: &[(&str, &str)]) -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = temporary.parent().expect("a target folder").to_owned();
        let folder = temporary.join(name);
        for (text, path) in files {
            place(&folder.join(path), text);
        }
        let profiles = fs::read_to_string(outer().join("Cargo.toml")).expect("the outer manifest");
        let profiles = profiles.find("[profile.").map_or("", |start| &profiles[start..]);
        place(&folder.join("Cargo.toml"), &format!("{manifest}\n{profiles}"));
        // Cargo takes out what the copy does not need; so whether it is new is told by another copy.
        let lock = fs::read_to_string(outer().join("Cargo.lock")).expect("the outer lock file");
        if place(&folder.join("outer.lock"), &lock) {
            fs::write(folder.join("Cargo.lock"), &lock).expect("write the lock file");
        }
        Self { folder, target, within: &[] }
    }

    /// A command in the copy that has nothing of the outer run.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut words = self.within.iter().copied().chain(["cargo"]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let of_outer_run = text.starts_with("NEXTEST")
                || text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text.starts_with("KIND_") && text != "KIND_TEST_IMAGE";
            if of_outer_run {
                command.env_remove(&name);
            }
        }
        command.args(arguments).current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// The same, with the folders of a case; what it prints goes to a file there.
    pub(crate) fn command(&self, case: &Case, output: &Path, arguments: &[&str]) -> Command {
        let file = fs::File::create(output).expect("make a file for the output");
        let mut command = self.cargo(arguments);
        command
            .env("KIND_TEST_STATE_DIR", case.state())
            .env("KIND_TEST_REQUIRE", "1")
            .env("KIND_TEST_KEEP", "never")
            .env("TMPDIR", case.temporary())
            .env("ARTIFACTS", case.folder().join("artifacts"))
            .env("NESTED_NOTES", case.notes())
            .stdin(Stdio::null())
            .stderr(file.try_clone().expect("the file once more"))
            .stdout(file);
        command
    }
}

/// Writes a file unless it is there already; says whether it was not.
fn place(path: &Path, text: &str) -> bool {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return false;
    }
    let folder = path.parent().expect("a folder");
    fs::create_dir_all(folder).expect("make a folder");
    // Several cases may begin at the same moment.
    let draft = tempfile::NamedTempFile::new_in(folder).expect("draft a file");
    fs::write(draft.path(), text).expect("write a file");
    draft.persist(path).expect("place a file");
    true
}

pub(crate) fn outer() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// The manifest of a copy of that name.
fn manifest(name: &str) -> String {
    let template = include_str!("../fixtures/nested/manifest.toml").replace("nested-fixture", name);
    format!("{template}{}\n", dependencies())
}

fn readme() -> String {
    fs::read_to_string(outer().join("README.md")).expect("the README")
}

/// What the README's first commands add.
fn dependencies() -> String {
    let readme = readme();
    let added = readme.lines().filter_map(|line| line.strip_prefix("cargo add --dev "));
    let dependencies: Vec<String> = added.map(dependency).collect();
    assert_eq!(dependencies.len(), 3, "{dependencies:?}");
    dependencies.join("\n")
}

/// What `cargo add --dev` with these arguments puts into a manifest, with the version that is locked here.
fn dependency(arguments: &str) -> String {
    let mut words = arguments.split_whitespace();
    let name = words.next().expect("a name");
    let (mut path, mut features) = (None, String::new());
    while let (Some(flag), Some(value)) = (words.next(), words.next()) {
        match flag {
            "--path" => path = Some(outer().join(value.rsplit('/').next().unwrap_or_default())),
            "--features" => features = format!(", features = [{value:?}]"),
            _ => panic!("an unknown flag in {arguments:?}"),
        }
    }
    if let Some(path) = path {
        return format!("{name} = {{ path = \"{}\"{features} }}", path.display());
    }
    let manifest = fs::read_to_string(outer().join("Cargo.toml")).expect("the outer manifest");
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let ours = &manifest["workspace"]["dependencies"][name];
    let version = ours.as_str().or_else(|| ours.get("version")?.as_str()).expect("a version");
    format!("{name} = {{ version = {version:?}{features} }}")
}
