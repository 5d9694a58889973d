//! What an engine's own settings do to nodes: its configuration file and what it says of itself.

use kind_engine::EngineFacts;
use serde_json::Value;

use super::checks::{Finding, Verdict, finding};

/// The oldest API whose containers can have a namespace for cgroups of their own.
const OLDEST_API: (u32, u32) = (1, 41);
/// Storage drivers on which nodes unpack images as they should.
const DRIVERS: [&str; 3] = ["overlay2", "overlayfs", "fuse-overlayfs"];

/// Whether the engine speaks what is asked of it.
pub(super) fn api(engine: &EngineFacts) -> Finding {
    let mut numbers = engine.api_version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let verdict = if found < OLDEST_API { Verdict::Bad } else { Verdict::Good };
    finding("engine's API", verdict, engine.api_version.as_str(), "use Docker 20.10 or newer, whose API is 1.41")
}

/// Whether nodes, which are containers with containers in them, have a fast place for images.
pub(super) fn storage(engine: &EngineFacts) -> Finding {
    let driver = engine.storage_driver.as_str();
    let verdict = if DRIVERS.contains(&driver) { Verdict::Good } else { Verdict::Doubtful };
    let advice = "nodes start slower and take more disk: set `\"storage-driver\": \"overlay2\"` in daemon.json";
    finding("storage driver", verdict, driver, advice)
}

/// Docker of a snap sees no temporary files of others.
pub(super) fn snap(engine: &EngineFacts) -> Option<Finding> {
    engine.root_dir.starts_with("/var/snap/").then(|| {
        let advice = "it does not see /tmp: set TMPDIR to a folder in your home, or install Docker's own packages";
        finding("engine's package", Verdict::Doubtful, "a snap", advice)
    })
}

/// What is wrong in the engine's configuration file; nothing where it says nothing.
pub(super) fn configuration(file: Option<&Result<Value, String>>) -> Vec<Finding> {
    let file = match file {
        None => return Vec::new(),
        Some(Ok(file)) => file,
        Some(Err(error)) => {
            let advice = "the engine does not start again with it: mend /etc/docker/daemon.json";
            return vec![finding("daemon.json", Verdict::Doubtful, format!("no JSON: {error}"), advice)];
        }
    };
    let says = |key: &str, value: bool| file.get(key).and_then(Value::as_bool) == Some(value);
    let mut found = Vec::new();
    if says("iptables", false) {
        let advice = "nodes do not reach the outside, and published ports only through the engine's proxy: take it out";
        found.push(finding("daemon.json: iptables", Verdict::Doubtful, "false", advice));
    }
    if says("userland-proxy", false) {
        let advice = "ports on 127.0.0.1 need route_localnet then: take it out where the API cannot be reached";
        found.push(finding("daemon.json: userland-proxy", Verdict::Doubtful, "false", advice));
    }
    let logs = file.get("log-driver").and_then(Value::as_str).filter(|driver| *driver == "none");
    if logs.is_some() {
        let advice = "the load balancer's log cannot be kept: set `log-driver` to `json-file` or `local`";
        found.push(finding("daemon.json: log-driver", Verdict::Doubtful, "none", advice));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_that_takes_something_from_nodes_is_told() {
        let names = |file: Value| -> Vec<(String, Verdict)> {
            configuration(Some(&Ok(file))).into_iter().map(|found| (found.check, found.verdict)).collect()
        };
        // Nodes ask for no init of the engine's, whatever it does for others.
        assert_eq!(names(json!({ "data-root": "/d", "init": true, "iptables": true })), []);
        let both = names(json!({ "iptables": false, "log-driver": "none" }));
        let expected = ["daemon.json: iptables", "daemon.json: log-driver"];
        assert_eq!(both, expected.map(|name| (name.to_owned(), Verdict::Doubtful)));
        assert_eq!(configuration(None), []);
    }
}
