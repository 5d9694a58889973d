//! Whether addresses inside clusters are also addresses outside, as with a VPN. Pure functions.

use ipnet::IpNet;

use super::checks::{Finding, Verdict, finding};
use crate::{provision::Route, spec::meet};

/// What clusters use unless they are told otherwise, and how to tell them.
const OURS: [(&str, &str, &str); 6] = [
    ("pods", "10.244.0.0/16", "networking.podSubnet"),
    ("services", "10.96.0.0/16", "networking.serviceSubnet"),
    ("nodes", "100.64.7.0/24", ""),
    ("pods", "fd00:10:244::/56", "networking.podSubnet"),
    ("services", "fd00:10:96::/112", "networking.serviceSubnet"),
    ("nodes", "fd6b:696e:6400:7::/64", ""),
];

/// Interfaces of containers.
const OF_CONTAINERS: [&str; 4] = ["docker", "br-", "veth", "cni"];

/// Whether a route is one to the world and no network, as a VPN's for everything.
fn is_default(to: &IpNet) -> bool {
    to.prefix_len() < if to.addr().is_ipv4() { 8 } else { 7 }
}

/// Whether this machine routes what clusters keep for themselves.
pub(super) fn routes(routes: &[Route]) -> Finding {
    let is_elsewhere = |route: &&Route| {
        let device = route.device.as_deref().unwrap_or_default();
        !is_default(&route.to) && !OF_CONTAINERS.iter().any(|start| device.starts_with(start))
    };
    let meeting = |(name, range, field): &(&str, &str, &str)| {
        let ours: IpNet = range.parse().expect("it is a range");
        let route = routes.iter().filter(is_elsewhere).find(|route| meet(&route.to, &ours))?;
        let advice = if field.is_empty() { String::new() } else { format!("; {field} chooses others") };
        Some(format!("{} is routed, and {name} have {ours}{advice}", route.to))
    };
    let found: Vec<String> = OURS.iter().filter_map(meeting).collect();
    if found.is_empty() {
        return finding("addresses", Verdict::Good, "none of clusters' are routed elsewhere", "");
    }
    let advice = "what has such an address out there cannot be reached from pods, as with a VPN";
    finding("addresses", Verdict::Doubtful, found.join("; "), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(to: &str, device: &str) -> Finding {
        routes(&[Route { to: to.parse().unwrap(), device: Some(device.to_owned()) }])
    }

    #[test]
    fn default_routes_and_containers_are_left_out() {
        for (to, device) in
            [("0.0.0.0/1", "tun0"), ("192.168.0.0/16", "eth0"), ("100.64.7.0/24", "br-1234"), ("fe80::/64", "eth0")]
        {
            assert_eq!(of(to, device).verdict, Verdict::Good, "{to}");
        }
    }

    #[test]
    fn a_vpn_that_has_clusters_addresses_is_told() {
        assert_eq!(of("10.244.3.0/24", "tun0").verdict, Verdict::Doubtful);
        let found = of("10.0.0.0/8", "tun0").found;
        assert!(found.contains("networking.podSubnet") && found.contains("services have"), "{found}");
        assert!(of("100.64.0.0/10", "tailscale0").found.ends_with("nodes have 100.64.7.0/24"));
        assert!(of("fd00::/8", "wg0").found.contains("pods have fd00:10:244::/56"));
    }
}
