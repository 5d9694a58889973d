//! Processors and memory of a node: the engine bounds the container, and the kubelet counts only that much.
//!
//! A kubelet sees the whole machine, whatever its container may use (kind#1422). What the node may not use is reserved
//! for the system, so that it is no part of what pods can get.

use kind_engine::EngineFacts;
use serde_json::{Map, json};

use super::{
    plan::{Plan, PlannedNode},
    steps::StepError,
};
use crate::spec::{DocumentKind, MergePatch};

/// Whether the machine has what the nodes ask for.
pub(super) fn check(plan: &Plan, machine: &EngineFacts) -> Result<(), StepError> {
    let processors = processors(machine).saturating_mul(1_000_000_000);
    for node in &plan.nodes {
        let refused = |problem| Err(StepError::TooMuch { node: node.name.clone(), problem });
        if let Some(asked) = node.spec.nano_cpus.filter(|asked| *asked > processors) {
            let there = machine.processors;
            return refused(format!("{}m of processors, the engine's machine has {there}", asked / 1_000_000));
        }
        if let Some(asked) = node.spec.memory.filter(|asked| *asked > machine.memory) {
            let there = machine.memory >> 20;
            return refused(format!("{} MiB of memory, the engine's machine has {there} MiB", asked >> 20));
        }
    }
    Ok(())
}

fn processors(machine: &EngineFacts) -> u64 {
    u64::try_from(machine.processors).unwrap_or(u64::MAX)
}

/// The kubelet's setting of a node with limits. The node's own patches come after it and win.
pub(super) fn reserve(node: &PlannedNode, machine: &EngineFacts) -> Option<MergePatch> {
    let mut reserved = Map::new();
    if let Some(allowed) = node.spec.nano_cpus {
        let all = processors(machine).saturating_mul(1000);
        reserved.insert("cpu".to_owned(), json!(format!("{}m", all.saturating_sub(allowed / 1_000_000))));
    }
    if let Some(allowed) = node.spec.memory {
        reserved.insert("memory".to_owned(), json!(machine.memory.saturating_sub(allowed).to_string()));
    }
    let content = json!({"systemReserved": reserved});
    (!reserved.is_empty()).then_some(MergePatch {
        api_version: None,
        kind: DocumentKind::KubeletConfiguration,
        content,
    })
}

#[cfg(test)]
mod tests {
    use kind_engine::{Engine as _, FakeEngine};

    use super::*;
    use crate::{
        provision::Blueprint,
        spec::{ClusterName, ClusterSpec},
    };

    fn plan(nano_cpus: Option<u64>, memory: Option<u64>) -> Plan {
        let mut spec = ClusterSpec::single_node();
        (spec.nodes[0].nano_cpus, spec.nodes[0].memory) = (nano_cpus, memory);
        Plan::new(&Blueprint {
            name: ClusterName::new("demo").unwrap(),
            creation: crate::provision::Creation::new(),
            spec,
            image: "image".into(),
            origin: None,
            load_balancer_image: None,
            labels: kind_engine::Labels::new(),
            retain: false,
            deadline: None,
            wait: None,
            pools: crate::spec::NetworkPools::default(),
            proxy: crate::spec::Proxy::default(),
            logs: "/nonexistent".into(),
        })
    }

    #[tokio::test]
    async fn what_a_node_may_not_use_is_reserved() {
        // Two processors and 16 GiB.
        let machine = FakeEngine::default().facts().await.unwrap();
        let limited = plan(Some(1_500_000_000), Some(1 << 30));
        check(&limited, &machine).unwrap();
        let reserved = reserve(&limited.nodes[0], &machine).unwrap();
        let memory = ((15_u64) << 30).to_string();
        assert_eq!(reserved.content, json!({"systemReserved": {"cpu": "500m", "memory": memory}}));
        assert_eq!(reserve(&plan(None, None).nodes[0], &machine), None);
    }

    #[tokio::test]
    async fn more_than_there_is_is_refused() {
        let machine = FakeEngine::default().facts().await.unwrap();
        let text = check(&plan(Some(3_000_000_000), None), &machine).unwrap_err().to_string();
        assert_eq!(text, "demo-control-plane asks for 3000m of processors, the engine's machine has 2");
        let text = check(&plan(None, Some(32 << 30)), &machine).unwrap_err().to_string();
        assert!(text.contains("32768 MiB of memory"), "{text}");
    }
}
