//! What only the engine's own machine can tell, read there by a container that lives for a moment: limits, disk, devices,
//! and what the engine may give to containers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Command, ContainerSpec, Engine, EngineError, ExecOutput, Labels, Mount, MountKind, Propagation};

/// Where the machine's devices appear in the container.
const DEVICES: &str = "/host-dev";
/// Stands before the name of each part of what is read.
const MARK: char = '\u{1e}';
/// How long the container stays if nobody removes it.
const SECONDS: &str = "60";
/// Reads the files that are its arguments. Its parent is the process of the engine's that starts everything in containers.
const SCRIPT: &str = r#"
for file in "$@"; do
    if [ -r "$file" ]; then printf '\036%s\n' "$file"; cat "$file"; fi
done
printf '\036parent\n'; cat "/proc/$PPID/status"
printf '\036disk\n'; stat -f -c '%a %S %d' /
printf '\036devices\n'; ls /host-dev
"#;

/// What the engine's machine said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostReading {
    files: BTreeMap<String, String>,
    /// Bytes and inodes left where the engine keeps its containers.
    pub disk: Option<(u64, u64)>,
    /// The names in `/dev`.
    pub devices: BTreeSet<String>,
    /// The capabilities that the engine can give at all, a bit for each.
    pub bounding_set: Option<u64>,
}

impl HostReading {
    /// The content of a file that was asked for; `None` where it could not be read.
    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

/// Reads files of the engine's machine, as far as they are the kernel's (below `/proc`), and the rest of a reading. The image
/// has to be on the engine, with a shell in it. The container carries these labels, and goes in any case.
///
/// # Errors
/// When the container cannot be run.
pub async fn read_host(
    engine: &dyn Engine,
    image: &str,
    name: &str,
    labels: &Labels,
    paths: &[&str],
) -> Result<HostReading, EngineError> {
    let id = engine.run_container(&probe(image, name, labels)).await?;
    let read = engine.exec(&id, &question(paths)).await;
    let removed = engine.remove_container(&id).await;
    let reading = parse(&read?);
    removed?;
    Ok(reading)
}

/// The container that looks.
pub(crate) fn probe(image: &str, name: &str, labels: &Labels) -> ContainerSpec {
    let devices = MountKind::Host {
        path: "/dev".to_owned(),
        read_only: true,
        selinux_relabel: false,
        propagation: Propagation::None,
    };
    ContainerSpec {
        name: name.to_owned(),
        image: image.to_owned(),
        entrypoint: vec!["sleep".to_owned(), SECONDS.to_owned()],
        labels: labels.clone(),
        mounts: vec![Mount { target: DEVICES.to_owned(), kind: devices }],
        host_processes: true,
        remove_at_end: true,
        ..ContainerSpec::default()
    }
}

/// What it is asked.
pub(crate) fn question(paths: &[&str]) -> Command {
    Command::new(["sh", "-c", SCRIPT, "sh"].into_iter().chain(paths.iter().copied()))
}

/// What it answers.
pub(crate) fn parse(output: &ExecOutput) -> HostReading {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut reading = HostReading::default();
    for part in text.split(MARK).skip(1) {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        match name {
            "parent" => reading.bounding_set = bounding_set(content),
            "disk" => {
                let numbers: Vec<u64> = content.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                reading.disk = if let [blocks, size, inodes] = *numbers { Some((blocks * size, inodes)) } else { None };
            }
            "devices" => reading.devices = content.lines().map(str::to_owned).collect(),
            path => {
                reading.files.insert(path.to_owned(), content.to_owned());
            }
        }
    }
    reading
}

/// Of a process' `status`.
pub(crate) fn bounding_set(status: &str) -> Option<u64> {
    let hex = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(hex.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_has_its_parts() {
        let text = "\u{1e}/proc/a\n12\n\u{1e}parent\nName: shim\nCapBnd:\t00000000a80425fb\n\u{1e}disk\n10 4096 7\n\u{1e}devices\nfuse\nkmsg\n";
        let parse = |text: &str| parse(&ExecOutput { stdout: text.into(), ..ExecOutput::default() });
        let reading = parse(text);
        assert_eq!(reading.file("/proc/a"), Some("12\n"));
        assert_eq!(reading.file("/proc/b"), None);
        assert_eq!((reading.disk, reading.bounding_set), (Some((40960, 7)), Some(0xa804_25fb)));
        assert!(reading.devices.contains("fuse"));
        assert_eq!(parse("sh: not found"), HostReading::default());
    }

    #[cfg(feature = "fake")]
    #[tokio::test]
    async fn the_container_goes_whatever_happens() {
        use crate::{FakeEngine, Outcome};
        let engine = FakeEngine::default();
        engine.when("exec probe", Outcome::Refuse("no shell".to_owned()));
        assert!(read_host(&engine, "image", "probe", &Labels::new(), &[]).await.is_err());
        assert!(engine.left().is_empty());
    }
}
