//! What is told of shapes, clusters, settings and the machine: short words, and no secrets.

use std::{fs, time::Duration};

use kind_core::{
    cluster::ClusterRecord,
    settings::{Keep, Settings},
    spec::{ClusterSpec, Role, Shape},
};
use kind_engine::{DockerEngine, Engine as _, EngineFacts};
use sha2::{Digest as _, Sha256};

use crate::page::{ClusterFacts, Machine, ShapeFacts};

/// How many hexadecimal digits tell shapes apart.
const DIGITS: usize = 10;
/// How long the engine may take to say what it is.
const ENGINE: Duration = Duration::from_secs(5);

impl ShapeFacts {
    /// A shape in short words.
    ///
    /// # Panics
    /// Never: a shape is plain data with text keys.
    pub fn of(spec: &ClusterSpec) -> Self {
        let text = serde_json::to_string(&Shape::of(spec)).expect("a shape is plain data with text keys");
        let mut digest = format!("{:x}", Sha256::digest(text));
        digest.truncate(DIGITS);
        Self { digest, label: label(spec.nodes.iter().map(|node| node.role)) }
    }
}

pub(super) fn cluster(record: &ClusterRecord) -> ClusterFacts {
    ClusterFacts {
        name: record.name.to_string(),
        image: record.image.clone(),
        version: record.kubernetes_version.clone(),
        label: label(record.nodes.iter().map(|node| node.role)),
    }
}

fn label(roles: impl Iterator<Item = Role>) -> String {
    let (mut control_planes, mut workers) = (0, 0);
    for role in roles {
        match role {
            Role::ControlPlane => control_planes += 1,
            Role::Worker => workers += 1,
        }
    }
    let many = |number: u32, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    match workers {
        0 => many(control_planes, "control plane"),
        _ => format!("{}, {}", many(control_planes, "control plane"), many(workers, "worker")),
    }
}

/// The settings that are not the default ones and change what a run does.
pub(super) fn settings(settings: &Settings) -> Vec<(String, String)> {
    let seconds = |time: Duration| format!("{} s", time.as_secs_f64());
    let keep = match settings.keep {
        Keep::Never => Some("never"),
        Keep::OnFailure => None,
        Keep::Always => Some("always"),
    };
    let on = |switch: bool| switch.then(|| "1".to_owned());
    let all = [
        ("KIND_TEST_REQUIRE", on(settings.require)),
        ("KIND_TEST_KEEP", keep.map(str::to_owned)),
        ("KIND_TEST_REUSE", on(settings.reuse)),
        ("KIND_TEST_IDLE", (settings.idle != Duration::from_secs(30 * 60)).then(|| seconds(settings.idle))),
        (
            "KIND_TEST_PAUSE",
            (settings.pause != Some(Duration::from_secs(30)))
                .then(|| settings.pause.map_or_else(|| "never".to_owned(), seconds)),
        ),
        ("KIND_TEST_IMAGE", settings.image.clone()),
        ("KIND_TEST_TIMEOUT", settings.timeout.map(seconds)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What this machine and the engine are.
pub(super) async fn machine(settings: &Settings) -> Machine {
    let asked = async { DockerEngine::find(&settings.engine).await?.facts().await };
    let engine = match tokio::time::timeout(ENGINE, asked).await {
        Ok(Ok(facts)) => engine(&facts),
        Ok(Err(error)) => format!("none: {error}"),
        Err(_) => "none that answers".to_owned(),
    };
    Machine { system: system(), engine }
}

fn engine(facts: &EngineFacts) -> String {
    let EngineFacts { version, cgroup_version, storage_driver, architecture, processors, memory, .. } = facts;
    let rootless = if facts.rootless { ", rootless" } else { "" };
    let elsewhere = if facts.local {
        String::new()
    } else {
        format!(", on another machine: {processors} processors, {}, {architecture}", gibibytes(*memory))
    };
    format!("Docker {version}, {storage_driver}, cgroup v{cgroup_version}{rootless}{elsewhere}")
}

fn system() -> String {
    let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let memory = line("/proc/meminfo").lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(gibibytes(kibibytes * 1024))
    });
    let processors = std::thread::available_parallelism().map(|many| format!("{many} processors")).ok();
    let system = format!("Linux {}", line("/proc/sys/kernel/osrelease"));
    [Some(system), processors, memory, Some(std::env::consts::ARCH.to_owned())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_differ_in_their_digest_and_read_as_words() {
        let default = ShapeFacts::of(&ClusterSpec::default());
        assert_eq!(default.label, "3 control planes, 1 worker");
        let other = ShapeFacts::of(&ClusterSpec::default().control_planes(1).workers(0));
        assert_eq!(other.label, "1 control plane");
        assert_ne!(default.digest, other.digest);
        let mut named = ClusterSpec::default();
        named.name = Some("x".to_owned());
        assert_eq!(default, ShapeFacts::of(&named));
    }

    #[test]
    fn the_machine_is_told() {
        let text = system();
        assert!(text.starts_with("Linux ") && text.contains(" processors, ") && text.contains(" GiB, "), "{text}");
    }
}
