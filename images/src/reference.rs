//! Which image a set of inputs makes: tags that are digests of what this crate decides. Pure functions.
//!
//! What it does not decide is no part of a tag: which Go and C compiler the machine has, and which point release of a package
//! Debian has today. The image's bill of materials names them, and `rebuild` makes the same tag anew with today's. The
//! numbers in the digests stand for Rust code that decides something and is no data; tests hold what they stand for.

use crate::{
    Release,
    components::components,
    digest::Digest,
    embedded::{self, BASE, NODE, PAYLOAD},
    node,
    pod_images::pod_images,
    source::tag_of,
};

/// Labels of the images built here. Containers inherit the labels of their image.
pub mod labels {
    /// The Kubernetes version in a node image.
    pub const KUBERNETES_VERSION: &str = "io.kind-rs.kubernetes-version";
    /// What a node image can do beyond `kindest/node`, comma separated.
    pub const FEATURES: &str = "io.kind-rs.features";
    /// What kind of image it is: `node-image`, `payload-image` or `base-image`.
    pub const KIND: &str = "io.kind-rs.kind";
    /// The features of the node images built here.
    pub const NODE_FEATURES: &str = "fixed-address,on-link-pods,load-balancer,registry,ipvs,zero-copy-store";
}

/// The reference of a release's node image. It changes with every version, file, flag and label that this crate puts into the
/// image, and with nothing else.
pub fn node_image_reference(release: &Release) -> String {
    let digest = Digest::new("node image 2")
        .field("payload", payload_image_reference(release))
        .fields(node::tables(release))
        .fields(embedded::fields(NODE))
        .short();
    // Of no release of the table: no later version takes its place, so it is no old image when there are new ones.
    let is_given = release.programs.is_some() || release.base.is_some();
    let repository = if is_given { "custom-node" } else { "node" };
    format!("kind-rs/{repository}:{}-{digest}", tag_of(release.kubernetes))
}

/// The reference of the base image: Debian's part of a node.
pub fn base_image_reference(release: &Release) -> String {
    match release.base {
        Some(base) => base.id.to_owned(),
        None => format!("kind-rs/base:{}", base_key(release)),
    }
}

/// The name of the base image's result in the cache, and its tag.
pub(crate) fn base_key(release: &Release) -> String {
    if let Some(base) = release.base {
        return format!("given-{}", Digest::new("given base 1").field("id", base.id).short());
    }
    let digest = Digest::new("base image 1")
        .field("architecture", std::env::consts::ARCH)
        .field("suite", release.debian)
        .fields(embedded::fields(BASE))
        .short();
    format!("{}-{digest}", release.debian)
}

/// The reference of what lies between: base, programs and pod images, without the files that make a node of them. Those
/// change often while they are worked on, and an image of nine hundred megabytes should not be made anew each time.
pub(crate) fn payload_image_reference(release: &Release) -> String {
    format!("kind-rs/payload:{}", payload_key(release))
}

/// The tag of the payload image.
pub(crate) fn payload_key(release: &Release) -> String {
    let digest = Digest::new("payload image 2")
        .field("base", base_image_reference(release))
        .fields(release.programs.map(|programs| ("programs", programs)))
        .fields(release.coredns_tag.map(|tag| ("coredns tag", tag)))
        .fields(release.fields())
        .fields(components(release).iter().map(|component| ("component", component.key(release))))
        .fields(pod_images(release).iter().map(|image| ("image", format!("{image:?}"))))
        .fields(embedded::fields(PAYLOAD))
        .short();
    format!("{}-{digest}", tag_of(release.kubernetes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::GivenBase;

    fn altered() -> Release {
        Release { runc: "v1.5.3", ..*Release::newest() }
    }

    #[test]
    fn the_same_inputs_make_the_same_reference() {
        let release = Release::newest();
        let reference = node_image_reference(release);
        assert_eq!(reference, node_image_reference(release));
        let tag = reference.strip_prefix("kind-rs/node:v1.37.2-").expect(&reference);
        assert!(tag.len() == 12 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()), "{reference}");
    }

    #[test]
    fn another_version_makes_another_node_image_on_the_same_base() {
        assert_ne!(node_image_reference(&altered()), node_image_reference(Release::newest()));
        assert_eq!(base_image_reference(&altered()), base_image_reference(Release::newest()));
    }

    #[test]
    fn what_is_given_makes_another_image_that_is_never_an_old_one() {
        let base = |id| Some(GivenBase { id });
        let releases = [
            Release { programs: Some("kubernetes-1"), kubernetes: "v1.38.0-alpha.1.5+abc", ..*Release::newest() },
            Release { programs: Some("kubernetes-2"), kubernetes: "v1.38.0-alpha.1.5+abc", ..*Release::newest() },
            Release { base: base("sha256:1"), ..*Release::newest() },
            Release { base: base("sha256:2"), ..*Release::newest() },
        ];
        let references: std::collections::BTreeSet<String> = releases.iter().map(node_image_reference).collect();
        assert_eq!(references.len(), releases.len());
        assert!(references.iter().all(|reference| reference.starts_with("kind-rs/custom-node:v1.3")), "{references:?}");
        assert_eq!(base_image_reference(&releases[2]), "sha256:1");
    }

    #[test]
    fn tags_are_valid() {
        let given = Release { programs: Some("a"), kubernetes: "v1.38.0-alpha.1.5+abc", ..*Release::newest() };
        let of_given = [node_image_reference(&given), payload_image_reference(&given)];
        let of_newest = [base_image_reference(Release::newest()), payload_image_reference(Release::newest())];
        for reference in [of_given, of_newest].concat() {
            let (_, tag) = reference.split_once(':').unwrap();
            assert!(tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "{reference}");
        }
    }
}
