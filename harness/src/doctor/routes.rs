//! Whether addresses inside clusters are also addresses outside, as with a VPN. Pure functions.

use std::net::Ipv4Addr;

use super::checks::{Finding, Verdict, finding};

/// Addresses that start with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    start: u32,
    mask: u32,
}

/// What clusters use unless they are told otherwise, and how to tell them.
const OURS: [(&str, [u8; 4], u32, &str); 3] = [
    ("pods", [10, 244, 0, 0], 16, "networking.podSubnet"),
    ("services", [10, 96, 0, 0], 16, "networking.serviceSubnet"),
    ("nodes", [100, 64, 7, 0], 24, ""),
];

impl Range {
    fn new(start: Ipv4Addr, bits: u32) -> Self {
        Self { start: start.into(), mask: u32::MAX.checked_shl(32 - bits).unwrap_or(0) }
    }

    fn meets(self, other: Self) -> bool {
        let mask = self.mask & other.mask;
        self.start & mask == other.start & mask
    }

    fn text(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.start), self.mask.count_ones())
    }
}

/// The routes of `/proc/net/route`, but for the default one and those to containers.
pub(super) fn read(table: &str) -> Vec<Range> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, start, .., mask, _, _, _] = words.as_slice() else { return None };
        let is_ours = ["docker", "br-", "veth", "cni"].iter().any(|start| device.starts_with(start));
        let range = Range { start: number(start)?, mask: number(mask)? };
        (!is_ours && range.mask != 0).then_some(range)
    };
    table.lines().skip(1).filter_map(line).collect()
}

/// Whether this machine routes what clusters keep for themselves.
pub(super) fn routes(routes: &[Range]) -> Finding {
    let meeting = |(name, start, bits, field): &(&str, [u8; 4], u32, &str)| {
        let ours = Range::new((*start).into(), *bits);
        let route = routes.iter().find(|route| route.meets(ours))?;
        let advice = if field.is_empty() { String::new() } else { format!("; {field} chooses others") };
        Some(format!("{} is routed, and {name} have {}{advice}", route.text(), ours.text()))
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

    const HEAD: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";

    #[test]
    fn the_kernels_table_is_read_but_for_the_default_and_containers() {
        let table = format!(
            "{HEAD}eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
             eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
             br-1234\t00074064\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
             tun0\t0000000A\t0100000A\t0003\t0\t0\t0\t000000FF\t0\t0\t0\nnonsense\n"
        );
        let found: Vec<String> = read(&table).into_iter().map(Range::text).collect();
        assert_eq!(found, ["192.168.0.0/16", "10.0.0.0/8"]);
    }

    #[test]
    fn a_vpn_that_has_clusters_addresses_is_told() {
        let of = |text: &str, bits| routes(&[Range::new(text.parse().unwrap(), bits)]);
        assert_eq!(of("192.168.0.0", 16).verdict, Verdict::Good);
        assert_eq!(of("10.244.3.0", 24).verdict, Verdict::Doubtful);
        let found = of("10.0.0.0", 8);
        assert!(
            found.found.contains("networking.podSubnet") && found.found.contains("services have"),
            "{}",
            found.found
        );
        assert!(of("100.64.0.0", 10).found.ends_with("nodes have 100.64.7.0/24"));
    }
}
