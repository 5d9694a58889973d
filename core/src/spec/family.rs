//! Address families: which a cluster has, and what ranges of each can be used for.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ranges::Subnet;

/// The address families of a cluster's nodes, pods and services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpFamily {
    /// IPv4 alone.
    #[default]
    Ipv4,
    /// IPv6 alone: pods and services have no IPv4 address.
    Ipv6,
    /// Both; the family of the first service range comes first.
    Dual,
}

/// What a range of addresses is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Pods,
    Services,
}

impl IpFamily {
    /// Whether nodes have IPv6 addresses.
    pub fn has_ipv6(self) -> bool {
        self != Self::Ipv4
    }

    /// The default range of pod addresses; as kind's.
    pub fn pod_subnet(self) -> &'static str {
        match self {
            Self::Ipv4 => "10.244.0.0/16",
            Self::Ipv6 => "fd00:10:244::/56",
            Self::Dual => "10.244.0.0/16,fd00:10:244::/56",
        }
    }

    /// The default range of service addresses; as kind's.
    pub fn service_subnet(self) -> &'static str {
        match self {
            Self::Ipv4 => "10.96.0.0/16",
            Self::Ipv6 => "fd00:10:96::/112",
            Self::Dual => "10.96.0.0/16,fd00:10:96::/112",
        }
    }

    /// The host's own address in that family: where the API is published by default, as kind does it.
    pub fn loopback(self) -> IpAddr {
        match self {
            Self::Ipv4 | Self::Dual => IpAddr::from([127, 0, 0, 1]),
            Self::Ipv6 => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        }
    }

    /// What is allowed for that range; `None` where the text is.
    pub(super) fn refuses(self, range: Range, text: &str) -> Option<&'static str> {
        let kinds: Option<Vec<bool>> = text.split(',').map(|one| is_ipv6(range, one)).collect();
        let allowed: &[&[bool]] = match self {
            Self::Ipv4 => &[&[false]],
            Self::Ipv6 => &[&[true]],
            Self::Dual => &[&[false], &[true], &[false, true], &[true, false]],
        };
        if kinds.is_some_and(|kinds| allowed.contains(&kinds.as_slice())) {
            return None;
        }
        Some(match (self, range) {
            (Self::Ipv4, Range::Pods) => "an IPv4 range from /8 to /28, such as 10.244.0.0/16",
            (Self::Ipv4, Range::Services) => "an IPv4 range from /12 to /28, such as 10.96.0.0/16",
            (Self::Ipv6, Range::Pods) => "an IPv6 range from /48 to /64, such as fd00:10:244::/56",
            (Self::Ipv6, Range::Services) => "an IPv6 range from /108 to /124, such as fd00:10:96::/112",
            (Self::Dual, Range::Pods) => {
                "an IPv4 range from /8 to /28, an IPv6 range from /48 to /64, or one of each, such as \
                 10.244.0.0/16,fd00:10:244::/56"
            }
            (Self::Dual, Range::Services) => {
                "an IPv4 range from /12 to /28, an IPv6 range from /108 to /124, or one of each, such as \
                 10.96.0.0/16,fd00:10:96::/112"
            }
        })
    }
}

/// Whether the range is one of IPv6; `None` where it is no usable range.
fn is_ipv6(range: Range, text: &str) -> Option<bool> {
    let subnet = Subnet::parse(text).filter(|subnet| subnet.is_unicast())?;
    let lengths = match (subnet.is_ipv6(), range) {
        // Every node gets a part of it, and the controller manager has at most 16 bits for nodes.
        (false, Range::Pods) => 8..=28,
        (true, Range::Pods) => 48..=64,
        // kubeadm refuses more than 20 bits, and less than ten addresses.
        (false, Range::Services) => 12..=28,
        (true, Range::Services) => 108..=124,
    };
    lengths.contains(&subnet.length()).then_some(subnet.is_ipv6())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn defaults_are_allowed() {
        for family in [IpFamily::Ipv4, IpFamily::Ipv6, IpFamily::Dual] {
            assert_eq!(family.refuses(Range::Pods, family.pod_subnet()), None);
            assert_eq!(family.refuses(Range::Services, family.service_subnet()), None);
        }
    }

    #[rstest]
    #[case(IpFamily::Ipv4, Range::Pods, "fd00::/56")]
    #[case(IpFamily::Ipv4, Range::Pods, "10.0.0.0/16,10.1.0.0/16")]
    #[case(IpFamily::Ipv4, Range::Pods, "10.0.0.0/16,")]
    #[case(IpFamily::Ipv6, Range::Pods, "10.0.0.0/16")]
    #[case(IpFamily::Ipv6, Range::Pods, "fd00::/112")]
    #[case(IpFamily::Ipv6, Range::Pods, "fd00::/40")]
    #[case(IpFamily::Ipv4, Range::Pods, "127.0.0.0/16")]
    #[case(IpFamily::Ipv4, Range::Services, "10.0.0.0/8")]
    #[case(IpFamily::Ipv4, Range::Services, "10.0.0.0/29")]
    #[case(IpFamily::Ipv6, Range::Services, "fd00::/125")]
    #[case(IpFamily::Ipv6, Range::Services, "fd00::/64")]
    #[case(IpFamily::Ipv6, Range::Services, "fd00::/112,10.0.0.0/16")]
    #[case(IpFamily::Dual, Range::Pods, "10.0.0.0/16,10.1.0.0/16")]
    #[case(IpFamily::Dual, Range::Pods, "10.0.0.0/16,fd00::/56,fd01::/56")]
    #[case(IpFamily::Dual, Range::Services, "10.0.0.0/16 fd00::/112")]
    fn other_ranges_are_not(#[case] family: IpFamily, #[case] range: Range, #[case] text: &str) {
        assert!(family.refuses(range, text).is_some());
    }

    #[rstest]
    #[case("fd00:1::/56,10.1.0.0/16")]
    #[case("10.1.0.0/16")]
    #[case("fd00:1::/48")]
    fn a_cluster_of_both_takes_either_and_both(#[case] text: &str) {
        assert_eq!(IpFamily::Dual.refuses(Range::Pods, text), None);
    }
}
