//! Which images the specs' pods run: those that are built here, or upstream's.

use std::fmt::Write as _;

use kind_images::{Release, conformance::substitutes};

/// Which images the specs' pods run, on clusters that are made for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestImages {
    /// Substitutes that are built here and lie in the node image: no registry is needed.
    Ours,
    /// Upstream's, which the nodes pull from registries. The node image is the ordinary one.
    Upstream,
}

impl TestImages {
    /// What a submission says of them, as a section of its README. `None` stands for somebody else's cluster, whose nodes
    /// pull what the specs name.
    pub(crate) fn section(images: Option<Self>, release: &Release) -> String {
        match images {
            None => "\
## Images

The cluster was there before. Its nodes pulled the images that the specs name.
"
            .to_owned(),
            Some(Self::Upstream) => "\
## Images

The nodes pulled the images that the specs name from upstream's registries. The programs of Kubernetes, etcd, CoreDNS and
pause in the nodes are built from upstream's published modules by `kind-rs build node-image`.
"
            .to_owned(),
            Some(Self::Ours) => {
                let head = "\
## Images: substitutes

The test images are **not upstream's**. They are built here, lie in the node image, and have upstream's names; on each node a
mirror on the loopback interface answers for `registry.k8s.io` where a spec insists on pulling. The programs of Kubernetes,
etcd, CoreDNS and pause are built from upstream's published modules. `--images upstream` runs the same specs on the ordinary
node image and upstream's images, where a registry is in reach.

| image | what it is here |
| --- | --- |
";
                substitutes(release).iter().fold(head.to_owned(), |mut text, image| {
                    let _ = writeln!(text, "| `{}` | {} |", image.name, image.made_of);
                    text
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_substitute_is_named_with_what_it_is() {
        let release = Release::newest();
        let ours = TestImages::section(Some(TestImages::Ours), release);
        assert!(ours.contains("**not upstream's**"), "{ours}");
        assert!(ours.contains("in place of Alpine Linux"), "an image that is made for one spec is not told of: {ours}");
        for image in substitutes(release) {
            assert!(ours.contains(&format!("| `{}` | ", image.name)), "{} is missing", image.name);
        }
        for other in [None, Some(TestImages::Upstream)] {
            assert!(!TestImages::section(other, release).contains("substitute"));
        }
    }
}
