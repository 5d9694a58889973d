//! The payload image: the base image, the programs, and the image store that nodes use in place.

use std::{fs, io, path::Path};

use kind_engine::{Engine, Privileges};

use crate::{
    BuildError, Step,
    archive::Layer,
    cache::file,
    container::BuildContainer,
    embedded::PAYLOAD,
    materials::{Materials, gather},
    pod_images::Programs,
    reference::{base_image_reference, labels, payload_image_reference},
    workshop::Workshop,
};

const STEP: Step = Step::ImageStore;

/// Where each program of a node goes: the step that built it, its folder in the node, its names.
const PLACES: &[(Step, &str, &[&str])] = &[
    (Step::Kubernetes, "/usr/bin", &["kubeadm", "kubelet", "kubectl"]),
    (Step::Containerd, "/usr/local/bin", &["containerd", "containerd-shim-runc-v2", "ctr"]),
    (Step::Runc, "/usr/local/sbin", &["runc"]),
    (Step::CriTools, "/usr/local/bin", &["crictl"]),
    (Step::Registry, "/usr/local/bin", &["registry"]),
    (Step::CniPlugins, "/opt/cni/bin", &["bridge", "host-local", "loopback", "portmap", "ptp"]),
];

/// Makes the payload image.
pub(crate) async fn make(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    programs: &Programs,
    images: &Path,
) -> Result<(), BuildError> {
    let tar = workshop.cache.work("payload", STEP)?.join("programs.tar");
    let base = base_image_reference(workshop.release());
    // containerd mounts what it unpacks.
    let container = BuildContainer::run(engine, STEP, &base, workshop, Privileges::Full).await?;
    let work = async {
        let materials = gather(workshop, &container, programs).await?;
        write_files(&tar, programs, &materials).map_err(file(STEP, "write", &tar))?;
        fill(workshop, &container, &tar, images).await
    };
    let result = work.await;
    container.close(result).await?;
    fs::remove_file(&tar).map_err(file(STEP, "remove", &tar))
}

async fn fill(
    workshop: &Workshop<'_>,
    container: &BuildContainer<'_>,
    programs: &Path,
    images: &Path,
) -> Result<(), BuildError> {
    container.unpack(programs).await?;
    container.provide(PAYLOAD).await?;
    container.script("store", &["start"]).await?;
    container.script_with_file("store", &["import"], images).await?;
    container.script("store", &["finish"]).await?;
    container.commit(&payload_image_reference(workshop.release()), &changes()).await
}

/// What containers of the image start with.
fn changes() -> [String; 3] {
    ["ENTRYPOINT []".to_owned(), "CMD [\"/bin/bash\"]".to_owned(), format!("LABEL {}=payload-image", labels::KIND)]
}

fn write_files(tar: &Path, programs: &Programs, materials: &Materials) -> io::Result<()> {
    let mut layer = Layer::new(io::BufWriter::new(fs::File::create(tar)?));
    for (step, folder, names) in PLACES {
        for name in *names {
            let built = programs.get(step).ok_or(io::ErrorKind::NotFound)?;
            layer.copy(&format!("{folder}/{name}"), 0o755, &built.join(name))?;
        }
    }
    materials.write(&mut layer)?;
    io::Write::flush(&mut layer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Release, components::components};

    /// What the number in `payload_key` stands for. Where this fails, raise the number and write the new digest here.
    #[test]
    fn the_number_in_the_tag_is_that_of_these_tables() {
        let digest = crate::digest::sha256(format!("{PLACES:?} {:?}", changes()).as_bytes());
        assert_eq!(digest[..12], *"565e260c25b9");
    }

    #[test]
    fn every_program_of_a_node_is_built() {
        let components = components(Release::newest());
        for (step, _, names) in PLACES {
            let component = components.iter().find(|component| component.step == *step).unwrap();
            for name in *names {
                let built = component.rename == Some(name)
                    || component.packages.iter().any(|package| package.rsplit('/').next() == Some(name));
                assert!(built, "{name} is not built by {step}");
            }
        }
    }
}
