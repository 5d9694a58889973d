//! The specs of each supported Kubernetes version, from lists that are compiled in. No cluster and no engine is asked.
//!
//! The lists are written by `conformance-names` (see `names/README.md`), never by hand.

use std::{collections::HashMap, sync::LazyLock};

use kind_images::Release;

use crate::naming::{SERIAL_PART, tags};

/// One spec of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spec {
    /// The name of its test, such as `sig-network::services::should_serve_a_basic_endpoint_from_pods`.
    pub test: &'static str,
    /// Its exact name upstream.
    pub upstream: &'static str,
}

impl Spec {
    /// The group that owns it, such as `sig-network`.
    pub fn sig(&self) -> &'static str {
        self.test.split("::").next().unwrap_or(self.test)
    }

    /// What its name says in brackets, such as `Conformance` and `Serial`.
    pub fn tags(&self) -> impl Iterator<Item = &'static str> {
        tags(self.upstream)
    }

    /// Whether it must have the cluster for itself.
    pub fn is_serial(&self) -> bool {
        self.test.split("::").any(|part| part == SERIAL_PART)
    }

    /// Whether upstream says that it takes long.
    pub fn is_slow(&self) -> bool {
        self.tags().any(|tag| tag == "Slow")
    }
}

/// The conformance specs of one Kubernetes version.
#[derive(Debug)]
pub struct Catalog {
    version: &'static str,
    specs: Vec<Spec>,
    by_test: HashMap<&'static str, usize>,
    by_upstream: HashMap<&'static str, usize>,
}

/// Every version's list, as `conformance-names` writes it.
const LISTS: [(&str, &str); 3] = [
    ("v1.37.2", include_str!("../names/v1.37.2.tsv")),
    ("v1.36.3", include_str!("../names/v1.36.3.tsv")),
    ("v1.35.4", include_str!("../names/v1.35.4.tsv")),
];

static CATALOGS: LazyLock<Vec<Catalog>> =
    LazyLock::new(|| LISTS.into_iter().map(|(version, text)| Catalog::read(version, text)).collect());

impl Catalog {
    /// The specs of the newest supported version.
    ///
    /// # Panics
    /// Never: there is always a newest version.
    pub fn newest() -> &'static Self {
        &CATALOGS[0]
    }

    /// The specs of that version, such as `v1.37.2`, or `v1.37` for the one that is known of it; `None` where it is not
    /// supported.
    pub fn of(version: &str) -> Option<&'static Self> {
        let release = Release::find(version).ok()?;
        CATALOGS.iter().find(|catalog| catalog.version == release.kubernetes)
    }

    /// The supported versions, the newest first.
    pub fn versions() -> impl Iterator<Item = &'static str> {
        LISTS.iter().map(|(version, _)| *version)
    }

    fn read(version: &'static str, text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let specs: Vec<Spec> =
            lines.filter_map(|line| line.split_once('\t')).map(|(test, upstream)| Spec { test, upstream }).collect();
        let by_test = specs.iter().enumerate().map(|(index, spec)| (spec.test, index)).collect();
        let by_upstream = specs.iter().enumerate().map(|(index, spec)| (spec.upstream, index)).collect();
        Self { version, specs, by_test, by_upstream }
    }

    /// The Kubernetes version.
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// What that version is made of.
    ///
    /// # Panics
    /// Never: every list is that of a release.
    pub fn release(&self) -> &'static Release {
        Release::find(self.version).expect("every list is that of a release")
    }

    /// Every spec, in the order of the tests' names.
    pub fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// The spec of that test.
    pub fn by_test(&self, test: &str) -> Option<&Spec> {
        self.by_test.get(test).map(|&index| &self.specs[index])
    }

    /// The spec of that name upstream.
    pub fn by_upstream(&self, upstream: &str) -> Option<&Spec> {
        self.by_upstream.get(upstream).map(|&index| &self.specs[index])
    }
}
