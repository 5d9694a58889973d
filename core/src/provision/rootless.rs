//! Engines that run without root: what the machine has to grant them, and what nodes are told because of it.
//!
//! Root in such a node is root of the engine's user namespace only: limits, kernel settings and devices stay the machine's.

use std::path::Path;

use kind_engine::{EngineFacts, Mount, MountKind, Propagation};
use serde_json::json;

use super::steps::StepError;
use crate::spec::{DocumentKind, MergePatch};

/// What lets a user's processes bound each other (Docker's and kind's documentation of rootless mode name the same).
const DELEGATE: &str = "let systemd delegate control groups to users: `[Service]` and `Delegate=yes` in \
                        /etc/systemd/system/user@.service.d/delegate.conf, `systemctl daemon-reload`, and log in again";

/// Why no node can run on this engine, and what to do; `None` where nothing stands against it.
pub(crate) fn obstacle(machine: &EngineFacts) -> Option<String> {
    if !machine.rootless {
        return None;
    }
    if machine.cgroup_version != 2 {
        return Some(
            "version 1 of control groups cannot be handed to users: use version 2 \
             (`systemd.unified_cgroup_hierarchy=1` on the kernel's command line), or an engine that runs as root"
                .to_owned(),
        );
    }
    if machine.missing_limits.is_empty() {
        return None;
    }
    Some(format!("it cannot limit {}: {DELEGATE}", machine.missing_limits.join(", ")))
}

/// Whether nodes can run at all.
pub(super) fn check(machine: &EngineFacts) -> Result<(), StepError> {
    obstacle(machine).map_or(Ok(()), |obstacle| Err(StepError::Rootless { obstacle }))
}

/// What kubelets are told: to go on where the kernel refuses what only the machine's root may set.
pub(super) fn kubelet(machine: &EngineFacts) -> Option<MergePatch> {
    machine.rootless.then(|| MergePatch {
        api_version: None,
        kind: DocumentKind::KubeletConfiguration,
        content: json!({ "featureGates": { "KubeletInUserNamespace": true } }),
    })
}

/// What file systems in a user namespace need where the kernel's own overlays do not do.
pub(super) fn fuse(machine: &EngineFacts) -> Option<Mount> {
    const FUSE: &str = "/dev/fuse";
    let kind = MountKind::Host {
        path: FUSE.to_owned(),
        read_only: false,
        selinux_relabel: false,
        propagation: Propagation::None,
    };
    let is_there = !machine.local || Path::new(FUSE).exists();
    (machine.rootless && is_there).then(|| Mount { target: FUSE.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use kind_engine::{Engine as _, FakeEngine};

    use super::*;

    async fn machine() -> EngineFacts {
        let facts = FakeEngine::default().facts().await.unwrap();
        EngineFacts { rootless: true, cgroup_version: 2, ..facts }
    }

    #[tokio::test]
    async fn an_engine_that_runs_as_root_needs_nothing_of_it() {
        let machine = EngineFacts { rootless: false, cgroup_version: 1, ..machine().await };
        check(&machine).unwrap();
        assert_eq!((kubelet(&machine), fuse(&machine)), (None, None));
    }

    #[tokio::test]
    async fn what_a_rootless_engine_lacks_is_named_with_what_to_do() {
        let old = EngineFacts { cgroup_version: 1, ..machine().await };
        let text = check(&old).unwrap_err().to_string();
        assert!(text.contains("version 1 of control groups"), "{text}");
        let bound = EngineFacts { missing_limits: vec!["memory", "processes"], ..machine().await };
        let text = check(&bound).unwrap_err().to_string();
        assert!(text.contains("cannot limit memory, processes") && text.contains("Delegate=yes"), "{text}");
    }

    #[tokio::test]
    async fn kubelets_on_a_rootless_engine_know_where_they_are() {
        let machine = EngineFacts { local: false, ..machine().await };
        check(&machine).unwrap();
        let told = kubelet(&machine).unwrap();
        assert_eq!(told.content, json!({ "featureGates": { "KubeletInUserNamespace": true } }));
        assert_eq!(fuse(&machine).unwrap().target, "/dev/fuse");
    }
}
