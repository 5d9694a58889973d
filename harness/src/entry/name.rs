//! A test's name, and the names that are made of it: namespace, label, folder.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

use kind_core::{access::Access, process::ProcessId, spec::ClusterSpec};
use kind_report::{ShapeFacts, Subject};
use sha2::{Digest as _, Sha256};

use super::request::TestMeta;

/// The longest name of a namespace, and the longest value of a label.
const LONGEST: usize = 63;
/// How many characters of a namespace's name tell tests whose readable parts are the same apart.
const DIGEST: usize = 6;
/// How many characters tell runs of one test apart. With five, a thousand runs on one cluster met twice.
const UNIQUE: usize = 10;
/// The longest name of a folder on any usual file system is 255 bytes; this leaves room for a suffix.
const LONGEST_FOLDER: usize = 200;

/// Counts the tests of this process: their namespaces differ even when they start in the same instant.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A test's full name: crate, modules, function and, with rstest, case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestName {
    package: &'static str,
    path: String,
    attempt: u32,
}

impl TestName {
    /// The name of the running test. Its cases are only told apart by the test runner: nextest says the name, libtest
    /// gives it to the test's thread.
    pub(crate) fn new(meta: &TestMeta, of_nextest: Option<&str>, attempt: u32) -> Self {
        let thread = std::thread::current();
        let is_ours = |name: &&str| name.split("::").any(|part| part == meta.name);
        let path = match of_nextest.filter(is_ours).or_else(|| thread.name().filter(is_ours)) {
            Some(name) => format!("{}::{name}", meta.module.split("::").next().unwrap_or_default()),
            None => format!("{}::{}", meta.module, meta.name),
        };
        Self { package: meta.package, path, attempt }
    }

    /// The name of a test that is no function here.
    pub(super) fn given(path: &str, attempt: u32) -> Self {
        Self { package: "", path: path.to_owned(), attempt }
    }

    /// The test as the run's records name it, and what it asks for; no specification where it is wrong.
    pub(crate) fn subject(&self, access: Access, spec: Option<&ClusterSpec>) -> Subject {
        Subject {
            package: self.package.to_owned(),
            test: self.path.clone(),
            attempt: self.attempt,
            access,
            shape: spec.map(ShapeFacts::of),
            folder: self.folder(),
            process: ProcessId::current(),
        }
    }

    /// The name as a person reads it.
    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// A name for a namespace: readable, and another one each time.
    pub(crate) fn namespace(&self) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let count = STARTED.fetch_add(1, Ordering::Relaxed);
        let unique = digest(&format!("{} {count} {} {}", process::id(), now.as_nanos(), self.attempt), UNIQUE);
        self.namespace_with(&unique)
    }

    fn namespace_with(&self, unique: &str) -> String {
        let digest = digest(&format!("{} {}", self.package, self.path), DIGEST);
        // The crate is in the digest; what a person looks for is the test.
        let readable = self.path.split_once("::").map_or(self.path.as_str(), |(_, rest)| rest);
        let readable = dashed(readable, '-', LONGEST - DIGEST - UNIQUE - 2);
        let readable = if readable.is_empty() { "test".to_owned() } else { readable };
        format!("{readable}-{digest}-{unique}")
    }

    /// The value of the label that says which test a namespace is for.
    pub(crate) fn label(&self) -> String {
        dashed(&self.path, '.', LONGEST)
    }

    /// The name of the folder for what the test leaves. Packages may have test programs and tests of the same names.
    pub(crate) fn folder(&self) -> String {
        match self.attempt {
            0 | 1 => self.folder_of_all(),
            attempt => format!("{}.attempt-{attempt}", self.folder_of_all()),
        }
    }

    /// The names of the folders that earlier runs' further attempts left, when this is a first attempt.
    pub(crate) fn outdated_folders(&self) -> impl Iterator<Item = String> {
        let folder = self.folder_of_all();
        let further = if self.attempt > 1 { 0..0 } else { 2..1000 };
        further.map(move |attempt| format!("{folder}.attempt-{attempt}"))
    }

    fn folder_of_all(&self) -> String {
        let program = self.path.split("::").next().unwrap_or_default();
        let is_library = program == self.package.replace('-', "_");
        let package = if is_library || self.package.is_empty() { String::new() } else { format!("{}.", self.package) };
        let mut folder = format!("{package}{}", self.path.replace("::", ".")).replace(['/', '\\', '\0'], "_");
        if folder.len() > LONGEST_FOLDER {
            let digest = digest(&folder, DIGEST);
            let cut = (0..=LONGEST_FOLDER).rev().find(|at| folder.is_char_boundary(*at)).unwrap_or_default();
            folder.truncate(cut);
            folder = format!("{folder}-{digest}");
        }
        folder
    }
}

/// Lower-case letters, digits and single separators, at most so many; where that is too few, the end is kept, because
/// the modules in front say less than the test.
fn dashed(text: &str, separator: char, longest: usize) -> String {
    let mut dashed = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            dashed.push(character.to_ascii_lowercase());
        } else if !dashed.ends_with(separator) {
            dashed.push(separator);
        }
    }
    let kept = dashed.split_off(dashed.len().saturating_sub(longest));
    kept.trim_matches(separator).to_owned()
}

/// The first characters of a digest.
fn digest(text: &str, length: usize) -> String {
    let bytes = Sha256::digest(text);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.take(length).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const META: TestMeta =
        TestMeta { package: "shop", manifest_dir: "/src/shop", module: "e2e::orders", name: "survives_restart" };

    #[test]
    fn the_runner_knows_the_case() {
        let name = TestName::new(&META, Some("orders::survives_restart::case_2_three"), 1);
        assert_eq!(name.as_str(), "e2e::orders::survives_restart::case_2_three");
        assert_eq!(name.folder(), "shop.e2e.orders.survives_restart.case_2_three");
        assert_eq!(name.label(), "e2e.orders.survives.restart.case.2.three");
    }

    #[test]
    fn a_name_of_something_else_is_not_taken() {
        let name = TestName::new(&META, Some("outer_test"), 2);
        assert_eq!(name.as_str(), "e2e::orders::survives_restart");
        assert_eq!(name.folder(), "shop.e2e.orders.survives_restart.attempt-2");
    }

    #[test]
    fn a_first_attempt_replaces_what_all_attempts_left() {
        let name = |attempt| TestName::new(&META, None, attempt);
        assert_eq!(name(1).outdated_folders().next(), Some(name(2).folder()));
        assert_eq!(name(2).outdated_folders().next(), None);
    }

    #[test]
    fn a_librarys_tests_need_no_package() {
        let meta = TestMeta { package: "my-shop", module: "my_shop::orders", ..META };
        assert_eq!(TestName::new(&meta, None, 1).folder(), "my_shop.orders.survives_restart");
        assert_eq!(TestName::given("sig-a::b::works", 1).folder(), "sig-a.b.works");
    }

    #[rstest]
    #[case("e2e::orders::survives_restart")]
    #[case("e2e")]
    #[case("e2e::_")]
    #[case("e2e::ümläut::日本")]
    #[case("e2e::a_very_long_module_name::another_very_long_module_name::and_a_long_test_name_too::case_1")]
    fn namespaces_are_dns_labels(#[case] path: &str) {
        let name = TestName { package: "shop", path: path.to_owned(), attempt: 1 }.namespace();
        assert!(name.len() <= LONGEST, "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
        assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name}");
        assert!(!name.contains("--"), "{name}");
    }

    #[test]
    fn a_namespace_names_its_test_and_differs_each_time() {
        let name = TestName::new(&META, None, 1);
        assert_eq!(name.namespace_with("0123456789"), "orders-survives-restart-61f5a0-0123456789");
        assert_ne!(name.namespace(), name.namespace());
    }
}
