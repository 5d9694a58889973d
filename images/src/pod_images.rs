//! The images of the static pods and add-ons: which program under which name, and the one archive of all of them.
//! One program on nothing each; only kube-proxy calls others.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use kind_engine::{Engine, Privileges};
use serde_json::json;

use crate::{
    BuildError, Release, Step,
    archive::{ImageArchive, Layer},
    cache::file,
    container::{BuildContainer, WORK},
    digest::Digest,
    embedded::{self, PAYLOAD},
    reference::{base_image_reference, base_key, payload_key},
    source::tag_of,
    workshop::Workshop,
};

const STEP: Step = Step::PodImages;

/// The image of the storage provisioner's helper pods. It exists nowhere but in our nodes.
pub(crate) const HELPER_IMAGE: &str = "localhost/kind-rs/local-path-helper:1";

/// The image of what enforces network policies and gives addresses to Services. It exists nowhere but in our nodes.
pub(crate) const NETWORK_IMAGE: &str = "localhost/kind-rs/network:1";

/// Folders with programs, by the step that built them.
pub(crate) type Programs = BTreeMap<Step, PathBuf>;

/// An image of a static pod or an add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodImage {
    /// Name and tag, as manifests have it.
    pub(crate) name: String,
    /// The step that built the program; `None` where it comes with the base image's tools.
    built_by: Option<Step>,
    /// The program's name there.
    program: &'static str,
    /// Where it lies in the image.
    path: &'static str,
    /// Whether the base image's packet filter tools go in as well.
    packet_filter: bool,
    /// What containers start with.
    entrypoint: &'static str,
}

/// Every image that a node carries.
pub(crate) fn pod_images(release: &Release) -> Vec<PodImage> {
    let image = |name: String, built_by, program, path| PodImage {
        name,
        built_by,
        program,
        path,
        packet_filter: false,
        entrypoint: path,
    };
    let kubernetes = |program, path| {
        image(
            format!("registry.k8s.io/{program}:{}", tag_of(release.kubernetes)),
            Some(Step::Kubernetes),
            program,
            path,
        )
    };
    vec![
        // kubeadm's manifests call these by bare name, so they must be on the path.
        kubernetes("kube-apiserver", "/usr/local/bin/kube-apiserver"),
        kubernetes("kube-controller-manager", "/usr/local/bin/kube-controller-manager"),
        kubernetes("kube-scheduler", "/usr/local/bin/kube-scheduler"),
        PodImage { packet_filter: true, ..kubernetes("kube-proxy", "/usr/local/bin/kube-proxy") },
        image(format!("registry.k8s.io/etcd:{}", release.etcd_tag), Some(Step::Etcd), "etcd", "/usr/local/bin/etcd"),
        image(
            format!("registry.k8s.io/coredns/coredns:{}", release.coredns_tag.unwrap_or(release.coredns)),
            Some(Step::CoreDns),
            "coredns",
            "/coredns",
        ),
        image(pause_image(release), Some(Step::Kubernetes), "pause", "/pause"),
        image(
            provisioner_image(release),
            Some(Step::LocalPathProvisioner),
            "local-path-provisioner",
            "/usr/bin/local-path-provisioner",
        ),
        PodImage {
            packet_filter: true,
            ..image(NETWORK_IMAGE.to_owned(), Some(Step::Network), "network", "/usr/local/bin/network")
        },
        PodImage { entrypoint: "/bin/sh", ..image(HELPER_IMAGE.to_owned(), None, "bin/busybox", "/bin/busybox") },
    ]
}

/// The image that every pod's sandbox runs.
pub(crate) fn pause_image(release: &Release) -> String {
    format!("registry.k8s.io/pause:{}", release.pause)
}

/// The image of the storage provisioner.
pub(crate) fn provisioner_image(release: &Release) -> String {
    format!("docker.io/rancher/local-path-provisioner:{}", release.local_path_provisioner)
}

/// The name of the archive's result in the cache.
pub(crate) fn archive_key(release: &Release) -> String {
    format!("pod-images-{}", payload_key(release))
}

/// Makes the archive of all images, or takes that of an earlier build.
pub(crate) async fn archive(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    programs: &Programs,
) -> Result<PathBuf, BuildError> {
    let key = archive_key(workshop.release());
    if let Some(result) = workshop.cache.result(&key) {
        workshop.progress.skipped(STEP);
        return Ok(result.join("images.tar"));
    }
    let work = async {
        let tools = base_tools(workshop, engine).await?;
        let unfinished = workshop.cache.begin(&key, STEP)?;
        let path = unfinished.folder.join("images.tar");
        let write = || {
            let mut archive = ImageArchive::create(&path)?;
            for image in pod_images(workshop.release()) {
                let config = json!({
                    "Entrypoint": [image.entrypoint],
                    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                });
                archive.add(&image.name, &config, &layer(&image, programs, &tools)?)?;
            }
            archive.finish()
        };
        write().map_err(file(STEP, "write", &path))?;
        Ok(unfinished.finish()?.join("images.tar"))
    };
    workshop.step(STEP, work).await
}

fn layer(image: &PodImage, programs: &Programs, tools: &Path) -> io::Result<Vec<u8>> {
    let mut layer = Layer::new(Vec::new());
    match image.built_by.and_then(|step| programs.get(&step)) {
        Some(folder) => layer.copy(image.path, 0o755, &folder.join(image.program))?,
        None => layer.graft(File::open(tools.join("helper.tar"))?)?,
    }
    if image.packet_filter {
        layer.graft(File::open(tools.join("packet-filter.tar"))?)?;
    }
    layer.finish()
}

/// What images take from the base image: the folder with `packet-filter.tar` and `helper.tar`.
async fn base_tools(workshop: &Workshop<'_>, engine: &dyn Engine) -> Result<PathBuf, BuildError> {
    let key = tools_key(workshop.release());
    if let Some(result) = workshop.cache.result(&key) {
        return Ok(result);
    }
    let unfinished = workshop.cache.begin(&key, STEP)?;
    let base = base_image_reference(workshop.release());
    let container = BuildContainer::run(engine, STEP, &base, workshop, Privileges::Default).await?;
    let work = async {
        container.provide(PAYLOAD).await?;
        container.script("collect-base-tools", &[WORK]).await?;
        for name in ["packet-filter", "helper"] {
            container.pack(&format!("{WORK}/{name}"), &unfinished.folder.join(format!("{name}.tar"))).await?;
        }
        Ok(())
    };
    let result = work.await;
    container.close(result).await?;
    unfinished.finish()
}

/// The name of these tools' result in the cache.
pub(crate) fn tools_key(release: &Release) -> String {
    let script = embedded::text(PAYLOAD, "payload/collect-base-tools");
    let digest = Digest::new("base tools 1").field("base", base_key(release)).field("script", script).short();
    format!("base-tools-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags_are_those_that_kubeadm_expects() {
        for release in Release::all() {
            let names: Vec<String> = pod_images(release).into_iter().map(|image| image.name).collect();
            let programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
            let of_release = programs.map(|program| format!("registry.k8s.io/{program}:{}", release.kubernetes));
            let of_kubeadm = crate::versions::expected_images(release, "kubeadm");
            assert_eq!(of_kubeadm.len(), 3);
            let of_kubeadm = of_kubeadm.into_iter().map(|name| format!("registry.k8s.io/{name}"));
            for expected in of_release.into_iter().chain(of_kubeadm) {
                assert!(names.contains(&expected), "{expected} is missing from {names:?}");
            }
        }
    }

    #[test]
    fn a_layer_holds_the_program_where_the_manifest_calls_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("etcd"), "program").unwrap();
        let programs = Programs::from([(Step::Etcd, folder.path().to_owned())]);
        let etcd = pod_images(Release::newest()).into_iter().find(|image| image.program == "etcd").unwrap();
        let bytes = layer(&etcd, &programs, Path::new("/nonexistent")).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let last = archive.entries().unwrap().last().unwrap().unwrap();
        assert_eq!(last.path().unwrap(), Path::new("usr/local/bin/etcd"));
        assert_eq!(last.header().mode().unwrap(), 0o755);
    }
}
