//! The files of this crate's folder that end up in images, compiled in. Their content is an input of every digest.

/// A file that goes into an image or decides how one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// Its path below `images/`.
    pub(crate) path: &'static str,
    /// Its content.
    pub(crate) text: &'static str,
}

impl Embedded {
    /// The last part of its path.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

macro_rules! embed {
    ($($path:literal),* $(,)?) => { &[$(Embedded { path: $path, text: include_str!(concat!("../", $path)) }),*] };
}

/// What the base image is made with.
pub(crate) const BASE: &[Embedded] = embed!["base/packages", "base/slim"];

/// Main packages of our own; they are part of their components' keys. Their tests are not.
pub(crate) const COMPONENTS: &[Embedded] = embed![
    "components/coredns/main.go",
    "components/network/addresses.go",
    "components/network/announce.go",
    "components/network/balancer.go",
    "components/network/choice.go",
    "components/network/device.go",
    "components/network/load_balancers.go",
    "components/network/main.go",
    "components/network/policies.go",
    "components/registry/main.go",
];

/// What the payload (programs and images) is made with, inside the build container.
pub(crate) const PAYLOAD: &[Embedded] =
    embed!["payload/collect-base-tools", "payload/containerd.toml", "payload/store"];

/// What looks at a base image that somebody else made.
pub(crate) const SOURCE: &[Embedded] = embed!["source/check-base"];

/// What makes a node of base and payload.
pub(crate) const NODE: &[Embedded] = embed![
    "manifests/default-cni.yaml",
    "manifests/default-storage.yaml",
    "manifests/load-balancers.yaml",
    "manifests/policies.yaml",
    "node/cni.conflist.template",
    "node/containerd.toml",
    "node/crictl.yaml",
    "node/entrypoint",
    "node/image-store",
    "node/kubelet-cgroups",
    "node/masked-units",
    "node/name-service",
    "node/network",
    "node/on-first",
    "node/pod-neighbour",
    "node/proxies",
    "node/units/10-kubeadm.conf",
    "node/units/containerd.service",
    "node/units/journald.conf",
    "node/units/kind-rs-network.path",
    "node/units/kind-rs-network.service",
    "node/units/kind-rs-on-first@.path",
    "node/units/kind-rs-on-first@.service",
    "node/units/kubelet.service",
    "node/units/kubelet.slice",
    "node/units/system.conf",
];

/// containerd's configuration in a node, but for the values that the build puts in.
pub fn containerd_configuration() -> &'static str {
    text(NODE, "node/containerd.toml")
}

/// What the conformance suite's images are made with. No part of a node image.
pub(crate) const CONFORMANCE: &[Embedded] = embed![
    "conformance/busybox-source",
    "conformance/hosts.toml",
    "conformance/kind-rs-mirror.service",
    "conformance/mirror.conf",
    "conformance/packages",
    "conformance/slim",
    "conformance/store",
];

/// The text of one of them.
///
/// # Panics
/// Where no such file is embedded, which a test of every path excludes.
pub(crate) fn text(files: &'static [Embedded], path: &str) -> &'static str {
    files.iter().find(|file| file.path == path).map_or_else(|| panic!("{path} is not embedded"), |file| file.text)
}

/// The files of one folder.
pub(crate) fn below(files: &'static [Embedded], folder: &str) -> Vec<Embedded> {
    let is_in = |file: &&Embedded| file.path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder);
    files.iter().filter(is_in).copied().collect()
}

/// The lines of a list file, without comments.
pub(crate) fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The files as fields of a digest.
pub(crate) fn fields(files: &'static [Embedded]) -> impl Iterator<Item = (&'static str, &'static str)> {
    files.iter().map(|file| (file.path, file.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A file that lies in the folder but is not embedded would be missing from image and digest alike.
    #[test]
    fn every_file_of_the_folders_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders: Vec<_> = ["base", "components", "conformance", "payload", "manifests", "node", "source"]
            .map(|name| root.join(name))
            .into();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.to_str().unwrap().ends_with("_test.go") {
                    continue;
                }
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                assert!(
                    [BASE, COMPONENTS, CONFORMANCE, PAYLOAD, NODE, SOURCE]
                        .iter()
                        .any(|files| files.iter().any(|file| file.path == name)),
                    "{name} is not embedded"
                );
            }
        }
    }

    #[test]
    fn list_files_have_one_entry_a_line_in_order() {
        for (files, path) in
            [(NODE, "node/masked-units"), (BASE, "base/packages"), (CONFORMANCE, "conformance/packages")]
        {
            let found: Vec<_> = entries(text(files, path)).collect();
            assert!(found.is_sorted(), "{path} is not sorted");
            assert!(found.iter().all(|entry| !entry.contains(' ')), "{path} has an entry with a space");
        }
    }

    #[test]
    fn scripts_name_their_interpreter() {
        for file in [BASE, CONFORMANCE, PAYLOAD, NODE, SOURCE].concat() {
            let name = file.name();
            if !name.contains('.') && !["packages", "masked-units"].contains(&name) {
                assert!(file.text.starts_with("#!/bin/"), "{} has no interpreter line", file.path);
                assert!(file.text.contains("\nset -eu"), "{} goes on after errors", file.path);
            }
        }
    }
}
