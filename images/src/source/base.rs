//! A base image that somebody else made: where it is, and whether a node can be made on it.

use kind_engine::{Engine, Privileges};

use crate::{
    BuildError, Step, container::BuildContainer, embedded::SOURCE, error::InStep as _, versions::GivenBase,
    workshop::Workshop,
};

const STEP: Step = Step::Base;

/// What units, scripts and builds of a node call.
const PROGRAMS: &[&str] = &[
    "systemctl",
    "journalctl",
    "ip",
    "iptables",
    "ip6tables",
    "nft",
    "conntrack",
    "ethtool",
    "socat",
    "mount",
    "modprobe",
    "sysctl",
    "nginx",
    "busybox",
    "awk",
    "ldd",
];

/// Makes sure that the engine has it and that it has what a node needs.
pub(super) async fn provide(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    reference: &str,
) -> Result<GivenBase, BuildError> {
    let work = async {
        let id = id_of(engine, reference, STEP).await?;
        let container =
            BuildContainer::run(engine, STEP, reference, workshop.cache.root(), Privileges::Default).await?;
        let work = async {
            container.provide(SOURCE).await?;
            container.script("check-base", PROGRAMS).await
        };
        let result = work.await;
        container.close(result).await?;
        Ok(GivenBase { reference: reference.to_owned().leak(), id: id.leak() })
    };
    workshop.step(STEP, work).await
}

/// The digest of an image, which is pulled where it is not there.
pub(super) async fn id_of(engine: &dyn Engine, reference: &str, step: Step) -> Result<String, BuildError> {
    if let Some(image) = engine.image(reference).await.during(step)? {
        return Ok(image.id);
    }
    engine.pull_image(reference).await.during(step)?;
    let image = engine.image(reference).await.during(step)?;
    Ok(image.map_or_else(|| reference.to_owned(), |image| image.id))
}
