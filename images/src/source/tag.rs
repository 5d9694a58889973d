//! Versions as image tags.

/// A version as kubeadm writes it in a tag: `+` is not allowed there.
pub(crate) fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// The version of a tag.
pub(crate) fn version_of(tag: &str) -> String {
    tag.trim().replace('_', "+")
}
