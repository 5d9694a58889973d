//! What users write for a node image: a reference, or a Kubernetes version. Whether an engine has it is not asked here.

use crate::{Release, UnsupportedVersion, node_image_reference};

/// The reference that a text stands for: `v1.36` or `1.36.3` is the image that `kind-rs build node-image --version` makes
/// of that version; anything else is a reference already.
///
/// ```
/// use kind_images::node_image;
///
/// assert_eq!(node_image("kindest/node:v1.36.0").unwrap(), "kindest/node:v1.36.0");
/// assert!(node_image("v1.36").unwrap().starts_with("kind-rs/node:v1.36."));
/// assert!(node_image("v1.12").is_err());
/// ```
///
/// # Errors
/// When it is a version and no image of it can be built.
pub fn node_image(text: &str) -> Result<String, UnsupportedVersion> {
    if is_version(text) { Release::find(text).map(node_image_reference) } else { Ok(text.to_owned()) }
}

/// The release whose node image the present sources call so.
pub fn release_of(reference: &str) -> Option<&'static Release> {
    Release::all().iter().find(|release| node_image_reference(release) == reference)
}

/// Numbers with dots between. No image is called so.
fn is_version(text: &str) -> bool {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.contains('.') && numbers.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_our_images_and_the_rest_are_references() {
        for release in Release::all() {
            assert_eq!(node_image(release.kubernetes).unwrap(), node_image_reference(release));
        }
        for reference in ["node", "v1", "kindest/node:v1.36.0", "1.2.3.4:5000/node", "v1.36-mine", "v1.", ""] {
            assert_eq!(node_image(reference).unwrap(), reference);
        }
    }

    #[test]
    fn a_version_that_cannot_be_built_is_refused() {
        assert_eq!(node_image("v1.12").unwrap_err().found, "v1.12");
    }
}
