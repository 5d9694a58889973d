//! A node image that is laid out as `kindest/node` is: its images lie under /var/lib/containerd, its pod network is a daemon
//! from a template, and it cannot balance the load. It is made of an image of ours, once, and is an old image to
//! `kind-rs gc --images` afterwards.

use kind_engine::{Command, ContainerSpec, Engine, Labels, NodeFile};
use kind_harness::Settings;
use kind_images::{Release, base_image_reference, features, node_image_reference};
use sha2::{Digest as _, Sha256};

const LAY_OUT: &str = include_str!("../fixtures/foreign-image/lay-out");
/// What containers start with, and that it can do nothing beyond kind's.
const CHANGES: [&str; 3] =
    ["ENTRYPOINT [\"/usr/local/bin/entrypoint\", \"/sbin/init\"]", "CMD []", "LABEL io.kind-rs.features="];
const NETWORK: &str = include_str!("../fixtures/foreign-image/default-cni.yaml");

/// Marks the containers in which the image is made, so that what was killed at it is found: a label, which the image and
/// its nodes inherit, and the beginning of a name, which they do not.
const LABEL: &str = "io.kind-rs.foreign-image";
const MAKING: &str = "kind-rs-foreign-image-";

/// Makes the image of the one that this run uses, where that is one of ours and the base image is there, which has an nginx.
pub(crate) async fn make(settings: &Settings, engine: &dyn Engine) -> anyhow::Result<Option<String>> {
    let release = Release::newest();
    let image = settings.image.clone().unwrap_or_else(|| node_image_reference(release));
    let has_base = engine.image(&base_image_reference(release)).await?.is_some();
    let is_ours = engine.image(&image).await?.is_some_and(|image| features::has(&image, features::POD_NETWORK));
    if is_ours && !has_base && settings.require {
        anyhow::bail!(
            "KIND_TEST_REQUIRE is set, and there is no base image to balance the load: `kind-rs build base-image` makes it"
        );
    }
    if !(has_base && is_ours) {
        return Ok(None);
    }
    let Some((_, tag)) = image.rsplit_once(':') else { return Ok(None) };
    let foreign = format!("kind-rs/node:foreign-{tag}-{}", digest());
    if engine.image(&foreign).await?.is_none() {
        lay_out(engine, &image, &foreign).await?;
    }
    Ok(Some(foreign))
}

/// What the image is made with: another way is another image.
fn digest() -> String {
    let mut digest = Sha256::new();
    [LAY_OUT, NETWORK].iter().chain(&CHANGES).for_each(|part| digest.update(part));
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

async fn lay_out(engine: &dyn Engine, image: &str, foreign: &str) -> anyhow::Result<()> {
    for left in engine.containers(&Labels::from([(LABEL.to_owned(), String::new())])).await? {
        if left.name.starts_with(MAKING) {
            engine.remove_container(&left.name).await?;
        }
    }
    let name = format!("{MAKING}{}", std::process::id());
    let spec = ContainerSpec {
        name: name.clone(),
        image: image.to_owned(),
        entrypoint: vec!["/bin/sleep".to_owned()],
        arguments: vec!["infinity".to_owned()],
        labels: Labels::from([(LABEL.to_owned(), "made".to_owned())]),
        ..ContainerSpec::default()
    };
    engine.run_container(&spec).await?;
    let laid_out = async {
        let files = [
            NodeFile::executable("/foreign/lay-out", LAY_OUT),
            NodeFile::public("/foreign/default-cni.yaml", NETWORK.to_owned()),
        ];
        engine.write_files(&name, &files).await?;
        engine.exec(&name, &Command::new(["/foreign/lay-out"])).await?.success()?;
        anyhow::Ok(engine.commit(&name, foreign, &CHANGES.map(str::to_owned)).await?)
    };
    let laid_out = laid_out.await;
    engine.remove_container(&name).await?;
    laid_out
}
