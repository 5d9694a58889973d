//! What a configuration may hold beyond kind's fields, where its `apiVersion` is our own.

use std::path::Path;

use super::{
    error::Mistake,
    labels,
    node::Claims,
    reader::{Field, Object, describe},
};
use crate::spec::{ClusterSpec, Manifest, Mirror, NodeSpec, Registry, Taint, TaintEffect, mounts};

/// Has all fields of kind's v1alpha4, and these.
pub(super) const API_VERSION: &str = "kind-rs.io/v1alpha1";

pub(super) const CLUSTER_FIELDS: &[&str] = &["images", "manifests", "registry"];
pub(super) const NODE_FIELDS: &[&str] = &["cpus", "memory", "taints"];
const REGISTRY_FIELDS: &[&str] = &["port", "mirrors"];
const MIRROR_FIELDS: &[&str] = &["host", "url"];
const TAINT_FIELDS: &[&str] = &["key", "value", "effect"];

const EFFECTS: &[(&str, TaintEffect)] = &[
    ("NoSchedule", TaintEffect::NoSchedule),
    ("PreferNoSchedule", TaintEffect::PreferNoSchedule),
    ("NoExecute", TaintEffect::NoExecute),
];

/// Units of memory, as Kubernetes writes them.
const UNITS: &[(&str, u64)] = &[
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("", 1),
];

/// A kubelet, containerd and systemd need that much by themselves.
const LEAST_MEMORY: u64 = 256 << 20;
const LEAST_NANO_CPUS: u64 = 100_000_000;

/// Reads the fields of a cluster. `folder` is where relative paths begin.
pub(super) fn read_cluster(object: &Object<'_>, folder: &Path, claims: &mut Claims, spec: &mut ClusterSpec) {
    let is_reference = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    for image in object.get("images").map(|images| images.items()).unwrap_or_default() {
        spec.images.extend(image.checked_text("an image reference such as example.com/app:1", is_reference));
    }
    for manifest in object.get("manifests").map(|manifests| manifests.items()).unwrap_or_default() {
        let path = manifest.checked_text("the path of a manifest", |text| !text.is_empty() && !text.contains('\0'));
        let Some(path) = path else { continue };
        if mounts::is_for_a_shell(&path) {
            manifest.refuse(Mistake::Wrong { found: describe(manifest.value), expected: mounts::SHELLS });
        }
        spec.manifests.push(Manifest { path: mounts::resolve(folder, &path), content: None });
    }
    spec.registry = object.get("registry").and_then(|registry| read_registry(&registry, claims));
}

fn read_registry(field: &Field<'_>, claims: &mut Claims) -> Option<Registry> {
    let object = field.object(REGISTRY_FIELDS)?;
    let field = object.get("port");
    let port = field.as_ref().and_then(Field::port_or_free);
    if let Some(field) = &field
        && let Err(mistake) = claims.registry(port, &field.path)
    {
        field.refuse(mistake);
    }
    let mirrors = object.get("mirrors").map(|mirrors| mirrors.items()).unwrap_or_default();
    Some(Registry { port, mirrors: mirrors.iter().filter_map(read_mirror).collect() })
}

fn read_mirror(field: &Field<'_>) -> Option<Mirror> {
    let object = field.object(MIRROR_FIELDS)?;
    let host = object.require("host", "a host of image names, such as docker.io");
    let host = host.and_then(|host| host.checked_text("a host of image names, such as docker.io", is_host));
    let url = object.require("url", "where to fetch from, such as https://registry-1.docker.io");
    let url = url.and_then(|url| url.checked_text("an address such as https://registry-1.docker.io", is_address));
    Some(Mirror { host: host?, url: url? })
}

/// Whether it is a host, perhaps with a port: it becomes the name of a folder.
fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_name = host.bytes().all(allowed) && host.starts_with(|first: char| first.is_ascii_alphanumeric());
    is_name && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether it is an address of the web without a password, which would be in the container's settings.
fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\@".contains(&byte))
}

/// Reads the fields of a node.
pub(super) fn read_node(object: &Object<'_>, node: &mut NodeSpec) {
    node.nano_cpus = object.get("cpus").and_then(|cpus| {
        let expected = "a number of processors from 0.1 on, such as 2, 1.5 or 500m";
        cpus.parsed(expected, |text| nano_cpus(text).filter(|cpus| *cpus >= LEAST_NANO_CPUS))
    });
    node.memory = object.get("memory").and_then(|memory| {
        let expected = "an amount of memory from 256Mi on, such as 512Mi or 2Gi";
        memory.parsed(expected, |text| bytes(text).filter(|bytes| *bytes >= LEAST_MEMORY))
    });
    node.taints = object.get("taints").map(|taints| taints.items().iter().filter_map(read_taint).collect());
}

fn read_taint(field: &Field<'_>) -> Option<Taint> {
    let object = field.object(TAINT_FIELDS)?;
    let key = object.require("key", "the taint's key, such as gpu").and_then(|key| {
        let text = key.text()?;
        if let Err(expected) = labels::check_syntax(&text) {
            key.refuse(Mistake::Wrong { found: describe(key.value), expected });
            return None;
        }
        Some(text)
    });
    let value = object.get("value").and_then(|value| value.checked_text(labels::VALUE, labels::is_value));
    let effect = object.require("effect", "NoSchedule, PreferNoSchedule or NoExecute");
    let effect = effect.and_then(|effect| effect.word(EFFECTS));
    Some(Taint { key: key?, value: value.unwrap_or_default(), effect: effect? })
}

/// `2`, `1.5` or `1500m`, in billionths.
fn nano_cpus(text: &str) -> Option<u64> {
    match text.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<u64>().ok()?.checked_mul(1_000_000),
        None => scaled(text, 1_000_000_000),
    }
}

/// `512Mi`, `1.5Gi` or `1073741824`, in bytes.
fn bytes(text: &str) -> Option<u64> {
    let (unit, size) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    scaled(text.strip_suffix(unit)?, *size)
}

/// A decimal number times a unit, without rounding on the way.
fn scaled(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !whole.bytes().all(|byte| byte.is_ascii_digit()) || !is_number(fraction)
    {
        return None;
    }
    let part = u128::from(unit) * fraction.parse::<u128>().unwrap_or_default()
        / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    u64::try_from(u128::from(unit).checked_mul(whole.parse().ok()?)? + part).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2", Some(2_000_000_000))]
    #[case("1.5", Some(1_500_000_000))]
    #[case("250m", Some(250_000_000))]
    #[case("", None)]
    #[case("-1", None)]
    #[case("1.5m", None)]
    #[case("1e3", None)]
    fn processors(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(nano_cpus(text), expected);
    }

    #[rstest]
    #[case("1073741824", Some(1 << 30))]
    #[case("1.5Gi", Some(3 << 29))]
    #[case("512Mi", Some(512 << 20))]
    #[case("2G", Some(2_000_000_000))]
    #[case("Gi", None)]
    #[case("1 Gi", None)]
    #[case("99999999999999Ti", None)]
    #[case("1.0.0Gi", None)]
    fn memory(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(bytes(text), expected);
    }
}
