//! What `kind-rs create cluster --dry-run` prints.

use std::{collections::BTreeMap, fmt::Display};

use kind_core::{
    config_file::missing_host_paths,
    provision::{Outline, OutlinedNode, outline},
    spec::{ClusterName, ClusterSpec},
};

use crate::{args::Format, failure::Failure, output, table};

pub(super) fn print(form: Option<Format>, name: &ClusterName, spec: &ClusterSpec) -> Result<(), Failure> {
    let mut outline = outline(name, spec);
    outline.remarks.extend(missing_host_paths(spec));
    match form {
        Some(form) => {
            let balancer = outline.load_balancer.iter().map(|(name, _)| name.clone());
            let nodes = outline.nodes.iter().map(|node| node.name.clone());
            output::print_as(form, &outline, nodes.chain(balancer))
        }
        None => output::print(&text(&outline)),
    }
}

fn text(outline: &Outline) -> String {
    let mut lines = vec![format!("cluster {} (context {})", outline.name, outline.context)];
    let mut line = |name: &str, value: &dyn Display| lines.push(format!("  {name}: {value}"));
    let port = outline.api_server.port.map_or_else(|| "a free port".to_owned(), |port| port.to_string());
    let behind = outline.load_balancer.as_ref().map_or(&outline.nodes[0].name, |(name, _)| name);
    line("API server", &format!("{} {port} -> {behind}", outline.api_server.address));
    line("network", &outline.network);
    let pods = if outline.default_cni { "" } else { ", no pod network is installed" };
    line("pods", &format!("{}{pods}", outline.pod_subnet));
    line("services", &format!("{}, kube-proxy: {}", outline.service_subnet, proxy(outline)));
    if let Some(domains) = &outline.dns_search {
        line("DNS search", &if domains.is_empty() { "no domains".to_owned() } else { domains.join(" ") });
    }
    if !outline.feature_gates.is_empty() {
        line("feature gates", &pairs(&outline.feature_gates));
    }
    if !outline.runtime_config.is_empty() {
        line("runtime config", &pairs(&outline.runtime_config));
    }
    if !outline.patches.is_empty() {
        line("patches", &outline.patches.join(", "));
    }
    for image in &outline.images {
        line("load", image);
    }
    for manifest in &outline.manifests {
        line("apply", manifest);
    }
    if let Some(registry) = &outline.registry {
        let port = registry.port.map_or_else(|| "a free port".to_owned(), |port| port.to_string());
        line("registry", &format!("127.0.0.1 {port} -> {}", registry.name));
        for host in &registry.mirrors {
            line("mirror", host);
        }
    }
    if let Some((name, address)) = &outline.load_balancer {
        lines.push(format!("{name} {address} (load balancer)"));
    }
    lines.extend(outline.nodes.iter().flat_map(node));
    lines.extend(outline.remarks.iter().map(|remark| format!("note: {remark}")));
    lines.join("\n")
}

fn node(node: &OutlinedNode) -> Vec<String> {
    let other = node.secondary_address.map(|address| format!(" {address}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{other} ({})", node.name, node.address, node.role)];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name}: {value}"));
    line("image", node.image.as_deref().unwrap_or("the default one"));
    if !node.labels.is_empty() {
        line("labels", &pairs(&node.labels));
    }
    if let Some(taints) = &node.taints {
        line("taints", &if taints.is_empty() { "none".to_owned() } else { taints.join(", ") });
    }
    if let Some(cpus) = node.milli_cpus {
        line("processors", &format!("{cpus}m"));
    }
    if let Some(memory) = node.memory {
        line("memory", &table::size(memory));
    }
    node.mounts.iter().for_each(|mount| line("mount", mount));
    node.ports.iter().for_each(|port| line("port", port));
    if !node.patches.is_empty() {
        line("patches", &node.patches.join(", "));
    }
    lines
}

fn pairs<V: Display>(map: &BTreeMap<String, V>) -> String {
    map.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

fn proxy(outline: &Outline) -> String {
    format!("{:?}", outline.kube_proxy_mode).to_lowercase()
}
