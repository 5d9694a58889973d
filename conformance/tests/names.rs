//! The lists of names: complete, unique, readable, and looked up both ways.

use std::collections::BTreeMap;

use kind_conformance::Catalog;
use kind_images::Release;
use kind_testkit as _;

#[test]
fn every_supported_version_has_a_list() {
    for release in Release::all().iter().filter(|release| release.has_conformance()) {
        assert!(Catalog::of(release.kubernetes).is_some(), "{}: run conformance-names", release.kubernetes);
    }
    assert_eq!(Catalog::newest().version(), Release::newest().kubernetes);
    assert!(Catalog::of("v1.0.0").is_none());
}

/// Counted in upstream's own lists.
#[test]
fn older_versions_have_fewer() {
    let count = |version: &str| Catalog::of(version).map(|catalog| catalog.specs().len());
    assert_eq!((count("v1.36.3"), count("v1.36"), count("v1.35.4")), (Some(446), Some(446), Some(441)));
    assert_eq!(count("v1.34.4"), None, "its suite is not offered");
}

/// Counted in upstream's own list.
#[test]
fn v1_37_2_has_462_specs_of_which_29_are_serial() {
    let catalog = Catalog::of("v1.37.2").unwrap();
    assert_eq!(catalog.specs().len(), 462);
    assert_eq!(catalog.specs().iter().filter(|spec| spec.is_serial()).count(), 29);
    let mut sigs: BTreeMap<&str, usize> = BTreeMap::new();
    for spec in catalog.specs() {
        *sigs.entry(spec.sig()).or_default() += 1;
    }
    let expected = [
        ("sig-api-machinery", 100),
        ("sig-apps", 60),
        ("sig-architecture", 1),
        ("sig-auth", 27),
        ("sig-cli", 17),
        ("sig-instrumentation", 4),
        ("sig-network", 47),
        ("sig-node", 104),
        ("sig-scheduling", 11),
        ("sig-storage", 91),
    ];
    assert_eq!(sigs, BTreeMap::from(expected));
}

#[test]
fn names_are_readable_and_lead_to_the_spec_and_back() {
    for catalog in Catalog::versions().filter_map(Catalog::of) {
        for spec in catalog.specs() {
            let parts: Vec<&str> = spec.test.split("::").collect();
            let serial = usize::from(spec.is_serial());
            assert_eq!(parts.len(), 3 + serial, "{}", spec.test);
            assert_eq!(parts.get(2) == Some(&"serial"), spec.is_serial(), "{}", spec.test);
            assert!(spec.upstream.starts_with(&format!("[{}] ", parts[0])), "{}", spec.upstream);
            for part in &parts[1..] {
                let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
                assert!(!part.is_empty() && part.bytes().all(is_word) && !part.contains("__"), "{}", spec.test);
            }
            assert!(spec.tags().any(|tag| tag == "Conformance"), "{}", spec.upstream);
            assert_eq!(catalog.by_test(spec.test), Some(spec));
            assert_eq!(catalog.by_upstream(spec.upstream), Some(spec));
        }
        assert!(catalog.specs().iter().map(|spec| spec.test).is_sorted());
        assert_eq!(catalog.by_test("sig-node::no::such"), None);
    }
}

/// What people filter by must not change from one release of ours to the next.
#[test]
fn names_are_stable() {
    for (test, upstream) in [
        (
            "sig-network::services::should_serve_a_basic_endpoint_from_pods",
            "[sig-network] Services should serve a basic endpoint from pods [Conformance]",
        ),
        (
            "sig-apps::daemon_set::serial::should_rollback_without_unnecessary_restarts",
            "[sig-apps] Daemon set should rollback without unnecessary restarts [Conformance] [Serial]",
        ),
    ] {
        let spec = Catalog::newest().by_test(test).unwrap_or_else(|| panic!("{test} is gone"));
        assert_eq!(spec.upstream.split_whitespace().collect::<Vec<_>>().join(" "), upstream);
    }
}

/// The selection would silently shrink otherwise.
#[test]
fn every_selected_spec_is_one() {
    let lines = include_str!("../selection.txt").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        assert!(Catalog::newest().by_test(line).is_some(), "{line} is no spec");
    }
}
