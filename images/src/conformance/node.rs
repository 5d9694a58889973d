//! The conformance node image: the node image, the test images in its store, and a mirror for those that specs pull.

use std::{fs, io, path::Path};

use kind_engine::{Engine, Privileges};

use crate::{
    BuildError, Release, Step,
    archive::Layer,
    cache::file,
    container::BuildContainer,
    digest::Digest,
    embedded::{self, CONFORMANCE, PAYLOAD},
    reference::{labels, node_image_reference},
    workshop::Workshop,
};

use super::{busybox, images::test_images, programs::programs, root_fs};

const STEP: Step = Step::ConformanceImage;

/// Where each file goes in a node.
const PLACES: [(&str, &str); 3] = [
    ("conformance/hosts.toml", "/etc/containerd/certs.d/registry.k8s.io/hosts.toml"),
    ("conformance/kind-rs-mirror.service", "/usr/lib/systemd/system/kind-rs-mirror.service"),
    ("conformance/mirror.conf", "/usr/local/lib/kind-rs/mirror.conf"),
];

/// The reference of a release's conformance node image. It changes with everything that goes into the image. `None` where
/// the release's suite is not offered.
pub fn image_reference(release: &Release) -> Option<String> {
    release.conformance.as_ref()?;
    // The number stands for how layers are made, in `images.rs`.
    let digest = Digest::new("conformance node image 3")
        .field("node", node_image_reference(release))
        .field("root", root_fs::key(release))
        .field("busybox", busybox::key(release))
        .fields(programs(release).iter().map(|program| ("program", program.key())))
        .fields(test_images(release).iter().map(|image| ("image", format!("{image:?}"))))
        .fields(embedded::fields(CONFORMANCE))
        .short();
    Some(format!("kind-rs/conformance:{}-{digest}", release.kubernetes))
}

/// Makes the image out of the node image and the archive of the test images.
pub(super) async fn make(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    images: &Path,
    reference: &str,
) -> Result<(), BuildError> {
    let release = workshop.release();
    let tar = workshop.cache.work("conformance-node", STEP)?.join("files.tar");
    write_files(&tar).map_err(file(STEP, "write", &tar))?;
    let node = node_image_reference(release);
    // containerd mounts what it unpacks.
    let container = BuildContainer::run(engine, STEP, &node, workshop, Privileges::Full).await?;
    let result = fill(&container, &tar, images, release, reference).await;
    container.close(result).await
}

async fn fill(
    container: &BuildContainer<'_>,
    files: &Path,
    images: &Path,
    release: &Release,
    reference: &str,
) -> Result<(), BuildError> {
    container.provide(PAYLOAD).await?;
    container.provide_as("store-more", embedded::text(CONFORMANCE, "conformance/store")).await?;
    container.script("store-more", &["link"]).await?;
    container.script("store", &["start"]).await?;
    container.script_with_file("store-more", &["keep"], images).await?;
    let images = test_images(release);
    let pulled = images.iter().filter(|image| image.is_pulled);
    let pulled: Vec<&str> = pulled.filter_map(|image| image.name.strip_prefix("registry.k8s.io/")).collect();
    container.script("store-more", &[&["serve"], pulled.as_slice()].concat()).await?;
    container.script("store-more", &["finish"]).await?;
    container.unpack(files).await?;
    // Everything else is the node image's.
    let changes = [
        "ENTRYPOINT [\"/usr/local/bin/entrypoint\", \"/sbin/init\"]".to_owned(),
        "CMD []".to_owned(),
        format!("LABEL {}=conformance-node-image", labels::KIND),
    ];
    container.commit(reference, &changes).await
}

fn write_files(tar: &Path) -> io::Result<()> {
    let mut layer = Layer::new(io::BufWriter::new(fs::File::create(tar)?));
    for (source, path) in PLACES {
        layer.file(path, 0o644, embedded::text(CONFORMANCE, source).as_bytes())?;
    }
    let unit = "kind-rs-mirror.service";
    let enabled = format!("/etc/systemd/system/multi-user.target.wants/{unit}");
    layer.link(&enabled, &format!("/usr/lib/systemd/system/{unit}"))?;
    io::Write::flush(&mut layer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_valid_and_another_one_than_the_nodes() {
        let reference = image_reference(Release::newest()).unwrap();
        let tag = reference.strip_prefix("kind-rs/conformance:v1.37.2-").expect(&reference);
        assert!(tag.len() == 12 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()), "{reference}");
    }

    #[test]
    fn the_mirror_is_where_containerd_looks_for_it() {
        let hosts = embedded::text(CONFORMANCE, "conformance/hosts.toml");
        let mirror = embedded::text(CONFORMANCE, "conformance/mirror.conf");
        let address = hosts.split("http://").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(mirror.contains(&format!("listen {address};")), "nobody listens at {address}");
    }
}
