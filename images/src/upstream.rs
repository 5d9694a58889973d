//! Images that others publish and that are used where a registry is in reach and nothing was built.

/// The release of kind whose default node image is taken.
pub const KIND_RELEASE: &str = "v0.33.0";

/// The default node image of that release.
pub const KIND_IMAGE: &str =
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5";

/// Upstream's nginx, the load balancer beside a node image that has none.
pub const NGINX_IMAGE: &str = "nginx:1.27.5@sha256:6784fb0834aa7dbbe12e3d7471e69c290df3e6ba810dc38b34ae33d3c1c05f7d";

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    /// What kind's own source says, from Go's module cache. Without Go there is nothing to compare with.
    #[test]
    fn the_node_image_is_the_default_of_kinds_release() {
        let module = format!("sigs.k8s.io/kind@{KIND_RELEASE}");
        let Ok(found) = Command::new("go").args(["mod", "download", "-json", &module]).current_dir("/").output() else {
            eprintln!("SKIPPED: there is no Go to ask for {module}");
            return;
        };
        let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        let folder = found["Dir"].as_str().unwrap_or_else(|| panic!("{module} is not to be had: {found}"));
        let source = fs::read_to_string(Path::new(folder).join("pkg/apis/config/defaults/image.go")).unwrap();
        let image = source.lines().find_map(|line| line.strip_prefix("const Image = ")).unwrap();
        assert_eq!(image.trim_matches('"'), KIND_IMAGE);
    }
}
