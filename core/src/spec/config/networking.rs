//! The `networking` field.

use super::reader::Field;
use crate::spec::{IpFamily, KubeProxyMode, Networking};

const FIELDS: &[&str] = &[
    "ipFamily",
    "apiServerPort",
    "apiServerAddress",
    "podSubnet",
    "serviceSubnet",
    "disableDefaultCNI",
    "kubeProxyMode",
    "dnsSearch",
];

const KUBE_PROXY_MODES: &[(&str, KubeProxyMode)] = &[
    ("iptables", KubeProxyMode::Iptables),
    ("ipvs", KubeProxyMode::Ipvs),
    ("nftables", KubeProxyMode::Nftables),
    ("none", KubeProxyMode::None),
];

const IP_FAMILIES: &[(&str, IpFamily)] =
    &[("ipv4", IpFamily::Ipv4), ("ipv6", IpFamily::Ipv6), ("dual", IpFamily::Dual)];

/// What could be read.
pub(super) fn read(field: &Field<'_>) -> Networking {
    let Some(object) = field.object(FIELDS) else { return Networking::default() };
    let family = object.get("ipFamily").and_then(|family| family.word(IP_FAMILIES));
    let mut networking = Networking::of_family(family.unwrap_or_default());
    // An empty list is not nothing here: it takes every search domain away.
    networking.dns_search = object.get("dnsSearch").map(|search| {
        let domains = search.items();
        domains.iter().filter_map(|domain| domain.checked_text("a domain such as example.com", is_domain)).collect()
    });
    if let Some(address) = object.get("apiServerAddress").and_then(|field| field.address()) {
        networking.api_server_address = address;
    }
    networking.api_server_port = object.get("apiServerPort").and_then(|field| field.port_or_free());
    for (name, subnet) in [("podSubnet", &mut networking.pod_subnet), ("serviceSubnet", &mut networking.service_subnet)]
    {
        if let Some(text) = object.get(name).and_then(|field| field.text()).filter(|text| !text.is_empty()) {
            *subnet = text;
        }
    }
    networking.disable_default_cni = object.get("disableDefaultCNI").and_then(|field| field.flag()).unwrap_or(false);
    networking.kube_proxy_mode =
        object.get("kubeProxyMode").and_then(|field| field.word(KUBE_PROXY_MODES)).unwrap_or_default();
    networking
}

/// A resolver takes almost anything; what would end the line or begin another domain is none.
fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}
