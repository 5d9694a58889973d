//! Requests about networks.

use std::collections::HashMap;

use bollard::{
    Docker,
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkDisconnectRequest},
    query_parameters::ListNetworksOptions,
};
use ipnet::IpNet;

use super::request::{label_filter, optional, send};
use crate::{EngineError, Labels, NetworkFacts, NetworkSpec};

pub(super) async fn create(docker: &Docker, spec: &NetworkSpec) -> Result<String, EngineError> {
    let range = |subnet: &IpNet| IpamConfig {
        subnet: Some(subnet.to_string()),
        ip_range: spec.own_parts.iter().find(|part| subnet.contains(*part)).map(ToString::to_string),
        ..IpamConfig::default()
    };
    let ranges: Vec<IpamConfig> = spec.subnets.iter().map(range).collect();
    let ipam = (!ranges.is_empty()).then(|| Ipam { config: Some(ranges), ..Ipam::default() });
    let request = NetworkCreateRequest {
        name: spec.name.clone(),
        driver: Some("bridge".to_owned()),
        enable_ipv6: Some(spec.ipv6),
        labels: Some(spec.labels.clone().into_iter().collect()),
        options: Some(spec.options.clone().into_iter().collect::<HashMap<_, _>>()),
        ipam,
        ..NetworkCreateRequest::default()
    };
    Ok(send("create network", &spec.name, docker.create_network(request)).await?.id)
}

pub(super) async fn list(docker: &Docker, labels: &Labels) -> Result<Vec<NetworkFacts>, EngineError> {
    let options = ListNetworksOptions { filters: Some(label_filter(labels)) };
    let networks = send("list", "networks", docker.list_networks(Some(options))).await?;
    let ranges = |ipam: Option<Ipam>| ipam.and_then(|ipam| ipam.config).into_iter().flatten();
    let facts = networks.into_iter().map(|network| NetworkFacts {
        id: network.id.unwrap_or_default(),
        name: network.name.unwrap_or_default(),
        labels: network.labels.unwrap_or_default().into_iter().collect(),
        created: network.created.unwrap_or_default(),
        subnets: ranges(network.ipam).filter_map(|range| range.subnet?.parse().ok()).collect(),
        options: network.options.unwrap_or_default().into_iter().collect(),
    });
    Ok(facts.collect())
}

pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), EngineError> {
    optional(send("remove network", id, docker.remove_network(id)).await)?;
    Ok(())
}

pub(super) async fn disconnect(docker: &Docker, network: &str, container: &str) -> Result<(), EngineError> {
    let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
    match optional(send("disconnect container", container, docker.disconnect_network(network, request)).await) {
        // It left by itself meanwhile.
        Err(EngineError::Refused { message, .. }) if message.contains("is not connected to") => Ok(()),
        other => other.map(|_| ()),
    }
}
