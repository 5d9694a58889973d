//! A base image that somebody else made: where it is, and whether a node can be made on it.

use kind_engine::{Engine, ImageFacts, ImageName, Login, Privileges, Pull, Pulled};

use super::SourceError;
use crate::{
    BuildError, Step, container::BuildContainer, embedded::SOURCE, error::InStep as _, versions::GivenBase,
    workshop::Workshop,
};

const STEP: Step = Step::Base;

/// What units, scripts and builds of a node call.
const PROGRAMS: &[&str] = &[
    "bash",
    "systemctl",
    "journalctl",
    "ip",
    "iptables",
    "ip6tables",
    "xtables-nft-multi",
    "nft",
    "conntrack",
    "ipset",
    "ethtool",
    "socat",
    "mount",
    "modprobe",
    "sysctl",
    "nginx",
    "busybox",
    "awk",
    "ldd",
    "dpkg-query",
];

/// What tells systemd to power off. It takes SIGTERM, the engine's default, for a request to start itself again.
const STOP_SIGNAL: &str = "SIGRTMIN+3";

/// Makes sure that the engine has it and that it has what a node needs.
pub(super) async fn provide(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    reference: &str,
) -> Result<GivenBase, BuildError> {
    let work = async {
        let ImageFacts { id, stop_signal, .. } = provide_image(workshop, engine, reference, STEP).await?;
        if stop_signal.as_deref() != Some(STOP_SIGNAL) {
            let (reference, found) = (reference.to_owned(), stop_signal.unwrap_or_default());
            return Err(SourceError::StopSignal { reference, found, expected: STOP_SIGNAL }).during(STEP);
        }
        let container = BuildContainer::run(engine, STEP, &id, workshop, Privileges::Default).await?;
        let work = async {
            container.provide(SOURCE).await?;
            container.script("check-base", PROGRAMS).await
        };
        let result = work.await;
        container.close(result).await?;
        Ok(GivenBase { id: id.leak() })
    };
    workshop.step(STEP, work).await
}

/// The credentials for an image's registry. Without them a public image can be pulled all the same.
async fn login(workshop: &Workshop<'_>, reference: &str) -> Option<Login> {
    let folder = workshop.options.docker_client.as_deref()?;
    let found = Login::find(folder, &ImageName::parse(reference).ok()?).await;
    found.unwrap_or_else(|error| {
        workshop.progress.note(&format!("{error}; no credentials are used"));
        None
    })
}

/// What the engine knows of an image, which is pulled where it is not there.
pub(super) async fn provide_image(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    reference: &str,
    step: Step,
) -> Result<ImageFacts, BuildError> {
    if let Some(image) = engine.image(reference).await.during(step)? {
        return Ok(image);
    }
    workshop.may_fetch(step)?;
    let login = login(workshop, reference).await;
    let progress = |pulled: Pulled| workshop.progress.line(step, &format!("pulling {reference}: {pulled}"));
    let pull = Pull { login: login.as_ref(), progress: &progress };
    workshop.unless_stopped(step, engine.pull_image(reference, pull)).await?;
    let image = engine.image(reference).await.during(step)?;
    image.ok_or_else(|| SourceError::Gone { reference: reference.to_owned() }).during(step)
}
