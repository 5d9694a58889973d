//! Whether kube-proxy can implement services as it is told to. Where it cannot, it ends and is started again for ever, and the
//! cluster has neither services nor DNS.

use std::path::Path;

use kind_engine::{Command, Engine, EngineFacts};
use kind_images::features;

use super::{
    context::Context,
    plan::Plan,
    steps::{Failure, StepError},
};
use crate::render::kube_proxy_mode;

const IPVS: &str = "ipvs";
/// The kernel's part of it.
const MODULE: &str = "ip_vs";
/// Exists where the module is loaded or built in.
const LOADED: &str = "/proc/net/ip_vs";

/// Refuses what can be refused before anything is made.
pub(super) async fn check(engine: &dyn Engine, plan: &Plan, machine: &EngineFacts) -> Result<(), StepError> {
    if !wants_ipvs(plan)? {
        return Ok(());
    }
    if machine.local && !has_module(Path::new("/"), &kernel()) {
        return Err(no_module());
    }
    for node in &plan.nodes {
        let image = engine.image(&node.image).await?.ok_or_else(|| StepError::NoImage { image: node.image.clone() })?;
        // Only ours say what they have; kind's have kube-proxy's own image.
        if features::has(&image, features::POD_NETWORK) && !features::has(&image, features::IPVS) {
            let problem = format!("node image {:?} has no `ipset`, which it calls", node.image);
            return Err(StepError::ServiceProxy { mode: IPVS, problem });
        }
    }
    Ok(())
}

/// Refuses it where only a node can tell: the engine's machine is another one.
pub(super) async fn check_in_node(context: &Context) -> Result<(), Failure> {
    if context.machine.local || !wants_ipvs(&context.plan)? {
        return Ok(());
    }
    let first = &context.plan.first().name;
    for command in [Command::new(["test", "-e", LOADED]), Command::new(["modprobe", "--dry-run", MODULE])] {
        if context.exec(first, &command).await?.exit_code == 0 {
            return Ok(());
        }
    }
    Err(no_module().into())
}

fn wants_ipvs(plan: &Plan) -> Result<bool, StepError> {
    let text = plan.cluster_text("v1.0.0", "");
    Ok(kube_proxy_mode(&text, &plan.first().text(Vec::new(), Vec::new()))? == IPVS)
}

fn no_module() -> StepError {
    let problem = format!("the kernel of the engine's machine has no module {MODULE}");
    StepError::ServiceProxy { mode: IPVS, problem }
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// Whether the kernel has it, or would find it when it is asked for.
fn has_module(root: &Path, release: &str) -> bool {
    if root.join(LOADED.trim_start_matches('/')).exists() {
        return true;
    }
    let modules = root.join("lib/modules").join(release);
    let name = format!("/{MODULE}.ko");
    ["modules.builtin", "modules.dep"].iter().any(|list| {
        let text = std::fs::read_to_string(modules.join(list)).unwrap_or_default();
        text.lines().any(|line| line.split(':').next().is_some_and(|path| path.contains(&name)))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_module_is_loaded_built_in_or_on_the_disk() {
        let root = tempfile::tempdir().unwrap();
        let has = || has_module(root.path(), "6.1.0");
        assert!(!has());
        let modules = root.path().join("lib/modules/6.1.0");
        fs::create_dir_all(&modules).unwrap();
        fs::write(modules.join("modules.dep"), "kernel/net/x/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz\n")
            .unwrap();
        assert!(!has(), "another one that needs it");
        fs::write(modules.join("modules.dep"), "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/lib/a.ko\n").unwrap();
        assert!(has());
        fs::remove_file(modules.join("modules.dep")).unwrap();
        fs::write(modules.join("modules.builtin"), "kernel/net/netfilter/ipvs/ip_vs.ko\n").unwrap();
        assert!(has());
        fs::remove_dir_all(&modules).unwrap();
        fs::create_dir_all(root.path().join("proc/net")).unwrap();
        fs::write(root.path().join("proc/net/ip_vs"), "").unwrap();
        assert!(has());
    }
}
