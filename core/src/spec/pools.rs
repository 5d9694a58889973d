//! Which range of addresses the network of a cluster gets on the engine. Pure functions.
//!
//! The nodes' own addresses are others and the same in every cluster. This range is for the engine alone, which would take
//! a sixteenth of its pools for each cluster: 31 networks, and ranges that a VPN has or will have.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{AddressPlan, ClusterName, ClusterSpec};

/// Where ranges come from unless somebody says otherwise, in this order: addresses for measuring networks (RFC 2544),
/// which hardly any network has, then private ones that neither the engine nor other tools take by themselves.
const POOLS: [&str; 3] = ["198.18.0.0/16", "10.213.0.0/16", "172.16.128.0/17"];
/// Addresses for what users add to the network, such as helpers.
const SPARE: usize = 8;
/// The network itself, its gateway, and broadcasts.
const RESERVED: usize = 3;
/// Also a cluster of one node has room for some more, and for about as many Services with addresses.
const SMALLEST: usize = 64;
/// The length of every IPv6 range: the only one that all of Linux is content with.
const IPV6_LENGTH: u8 = 64;
/// Shorter routes are no networks but ways to the world: VPNs cut the default route into such pieces.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 16;
/// How many ranges are tried before there is said to be none.
const ATTEMPTS: usize = 256;

/// Where the ranges of clusters' networks come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NetworkPools {
    /// From the engine, as of any other network.
    Engine,
    /// From these, in this order. For a family that none of them has, the default ones are taken.
    Ranges(Vec<IpNet>),
}

impl NetworkPools {
    /// The ranges that a cluster's network may have, best first: each is a free one of every family that the cluster has.
    /// None means that the engine chooses.
    ///
    /// What is `taken`, by routes of the engine's machine or networks of the engine, is met by none of them, and neither
    /// is what the cluster uses inside. One name begins at the same place always, so that a cluster that is made again gets
    /// the same range, and clusters that are made at once get different ones.
    pub fn candidates(
        &self,
        name: &ClusterName,
        spec: &ClusterSpec,
        taken: &[IpNet],
    ) -> Option<impl Iterator<Item = Vec<IpNet>>> {
        let Self::Ranges(pools) = self else { return None };
        let seed = seed(name);
        let mut taken: Vec<IpNet> = taken.iter().copied().filter(is_network).collect();
        let networking = &spec.networking;
        let inside = [networking.pod_subnet.clone(), networking.service_subnet.clone()];
        let inside = inside.iter().chain([&AddressPlan::of(networking).networks()]).cloned().collect::<Vec<_>>();
        taken.extend(inside.iter().flat_map(|list| list.split(',')).filter_map(|one| one.parse::<IpNet>().ok()));
        let length = length_for(spec);
        let is_free = move |range: &IpNet| !taken.iter().any(|known| meet(range, known));
        let v4 = v4_pools(pools).into_iter().flat_map(move |pool| pieces(pool.into(), length, seed));
        let v4 = v4.filter(is_free.clone()).take(ATTEMPTS);
        let v6: Box<dyn Iterator<Item = Option<IpNet>> + Send> = if networking.ip_family.has_ipv6() {
            let pools: Vec<IpNet> = pools.iter().filter(|pool| pool.addr().is_ipv6()).copied().collect();
            let chosen = pools.into_iter().flat_map(move |pool| pieces(pool, IPV6_LENGTH, seed));
            let random = std::iter::repeat_with(unique_local);
            let all: Box<dyn Iterator<Item = IpNet> + Send> =
                if self.has_ipv6() { Box::new(chosen) } else { Box::new(random.take(ATTEMPTS)) };
            Box::new(all.filter(is_free).map(Some))
        } else {
            Box::new(std::iter::repeat(None))
        };
        Some(v4.zip(v6).map(|(v4, v6)| std::iter::once(v4).chain(v6).collect()))
    }

    fn has_ipv6(&self) -> bool {
        matches!(self, Self::Ranges(pools) if pools.iter().any(|pool| pool.addr().is_ipv6()))
    }
}

/// The part of a network's range that containers have addresses from. The other half is left for Services of type `LoadBalancer`
/// (`images/components/network/addresses.go`). `None` with IPv6, where nobody comes near the other half.
pub(crate) fn part_of_containers(range: &IpNet) -> Option<IpNet> {
    match range {
        IpNet::V4(range) => Ipv4Net::new(range.network(), range.prefix_len() + 1).ok().map(IpNet::V4),
        IpNet::V6(_) => None,
    }
}

/// How long the prefix of a range is that has room for all containers of a cluster, in one half of it.
fn length_for(spec: &ClusterSpec) -> u8 {
    let balancer = usize::from(spec.is_highly_available());
    let registries = spec.registry.as_ref().map_or(0, |registry| 1 + registry.mirrors.len());
    let addresses = spec.nodes.len() + balancer + registries + SPARE + RESERVED;
    let bits = (2 * addresses).max(SMALLEST).next_power_of_two().ilog2();
    u8::try_from(32 - bits).expect("it is below 32")
}

fn v4_pools(chosen: &[IpNet]) -> Vec<Ipv4Net> {
    let v4 = |pools: &[IpNet]| -> Vec<Ipv4Net> {
        pools.iter().filter_map(|pool| if let IpNet::V4(pool) = pool { Some(*pool) } else { None }).collect()
    };
    let chosen = v4(chosen);
    if chosen.is_empty() { v4(&ours()) } else { chosen }
}

fn ours() -> Vec<IpNet> {
    POOLS.iter().map(|pool| pool.parse().expect("it is a range")).collect()
}

/// Every piece of that length of a range, beginning at one that the seed chooses.
fn pieces(pool: IpNet, length: u8, seed: u64) -> impl Iterator<Item = IpNet> {
    let spare = length.checked_sub(pool.prefix_len());
    let count = spare.map_or(0, |bits| 1_u64.checked_shl(bits.into()).unwrap_or(u64::MAX));
    (0..count).map(move |index| piece(pool, length, (index.wrapping_add(seed)) % count))
}

fn piece(pool: IpNet, length: u8, index: u64) -> IpNet {
    match pool {
        IpNet::V4(pool) => {
            let offset = u32::try_from(index).unwrap_or_default().checked_shl((32 - length).into()).unwrap_or(0);
            Ipv4Net::new((pool.network().to_bits() | offset).into(), length).expect("a length below 32").into()
        }
        IpNet::V6(pool) => {
            let offset = u128::from(index).checked_shl((128 - length).into()).unwrap_or(0);
            Ipv6Net::new((pool.network().to_bits() | offset).into(), length).expect("a length below 128").into()
        }
    }
}

fn seed(name: &ClusterName) -> u64 {
    let digest = Sha256::digest(name.as_str());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// A range that nobody else has (RFC 4193): 40 random bits behind `fd`, then a subnet.
fn unique_local() -> IpNet {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes[1..6]).expect("the kernel has random numbers");
    bytes[0] = 0xfd;
    Ipv6Net::new(Ipv6Addr::from(bytes), IPV6_LENGTH).expect("a length below 128").into()
}

/// Whether a route leads to a network, and not to the rest of the world.
fn is_network(range: &IpNet) -> bool {
    range.prefix_len() >= if range.addr().is_ipv4() { SHORTEST_V4 } else { SHORTEST_V6 }
}

/// Whether an address is in both.
pub(crate) fn meet(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

impl Default for NetworkPools {
    fn default() -> Self {
        Self::Ranges(ours())
    }
}

/// A text that names no pools.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: expected {}", NetworkPools::EXPECTED)]
pub struct PoolsError {
    text: String,
}

impl NetworkPools {
    /// What a text of it may be.
    pub const EXPECTED: &'static str = "`engine`, or ranges separated by commas, an IPv4 one of at most /26 and an IPv6 one of at most /64, such as \
         10.213.0.0/16";
}

impl FromStr for NetworkPools {
    type Err = PoolsError;

    fn from_str(text: &str) -> Result<Self, PoolsError> {
        if text.trim() == "engine" {
            return Ok(Self::Engine);
        }
        let smallest =
            |pool: &IpNet| if pool.addr().is_ipv4() { pool.prefix_len() <= 26 } else { pool.prefix_len() <= 64 };
        let pools =
            text.split(',').map(|one| one.trim().parse::<IpNet>().ok().map(|pool| pool.trunc()).filter(smallest));
        pools.collect::<Option<Vec<_>>>().map(Self::Ranges).ok_or_else(|| PoolsError { text: text.to_owned() })
    }
}

impl TryFrom<String> for NetworkPools {
    type Error = PoolsError;

    fn try_from(text: String) -> Result<Self, PoolsError> {
        text.parse()
    }
}

impl From<NetworkPools> for String {
    fn from(pools: NetworkPools) -> Self {
        pools.to_string()
    }
}

impl fmt::Display for NetworkPools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.write_str("engine"),
            Self::Ranges(pools) => f.write_str(&pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::{IpFamily, Networking, Registry};

    fn name(text: &str) -> ClusterName {
        ClusterName::new(text).unwrap()
    }

    fn ranges(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn first(pools: &NetworkPools, spec: &ClusterSpec, taken: &[&str]) -> Option<Vec<IpNet>> {
        pools.candidates(&name("demo"), spec, &ranges(taken)).unwrap().next()
    }

    #[rstest]
    #[case(ClusterSpec::single_node(), 26)]
    #[case(ClusterSpec::default(), 26)]
    #[case(ClusterSpec::default().workers(47), 25)]
    #[case(ClusterSpec::default().workers(237), 23)]
    #[case(ClusterSpec::default().workers(16).registry(), 26)]
    #[case(ClusterSpec::default().workers(17).registry(), 25)]
    fn the_range_has_room_for_every_container(#[case] spec: ClusterSpec, #[case] length: u8) {
        let range = first(&NetworkPools::default(), &spec, &[]).unwrap()[0];
        assert_eq!(range.prefix_len(), length);
        assert!(meet(&range, &"198.18.0.0/16".parse().unwrap()), "{range}");
    }

    #[test]
    fn containers_have_the_lower_half_and_services_the_upper_one() {
        let part = |range: &str| part_of_containers(&range.parse().unwrap()).map(|part| part.to_string());
        assert_eq!(part("198.18.4.64/26").as_deref(), Some("198.18.4.64/27"));
        assert_eq!(part("fd12:3::/64"), None);
    }

    #[test]
    fn hundreds_of_clusters_have_ranges_that_do_not_meet() {
        let (pools, spec) = (NetworkPools::default(), ClusterSpec::default());
        let mut taken: Vec<IpNet> = Vec::new();
        for index in 0..300 {
            let range = pools.candidates(&name(&format!("c{index}")), &spec, &taken).unwrap().next().unwrap()[0];
            assert!(!taken.iter().any(|known| meet(known, &range)), "{range}");
            taken.push(range);
        }
    }

    #[test]
    fn a_cluster_that_is_made_again_gets_its_range_again_and_others_begin_elsewhere() {
        let (pools, spec) = (NetworkPools::default(), ClusterSpec::default());
        let of = |text| pools.candidates(&name(text), &spec, &[]).unwrap().next();
        assert_eq!(of("demo"), of("demo"));
        assert_ne!(of("demo"), of("other"));
    }

    #[rstest]
    #[case(&["198.18.0.0/15"], "10.213.0.0/16")]
    #[case(&["198.18.0.0/15", "10.0.0.0/8"], "172.16.128.0/17")]
    #[case(&["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "196.0.0.0/6"], "198.18.0.0/16")]
    fn a_vpns_networks_are_left_alone_and_its_default_route_is_none(#[case] routes: &[&str], #[case] pool: &str) {
        let range = first(&NetworkPools::default(), &ClusterSpec::default(), routes).unwrap()[0];
        assert!(meet(&range, &pool.parse().unwrap()), "{range}");
    }

    #[test]
    fn where_everything_is_taken_there_is_none() {
        let all = ["198.18.0.0/15", "10.0.0.0/8", "172.16.0.0/12"];
        assert_eq!(first(&NetworkPools::default(), &ClusterSpec::default(), &all), None);
        let small: NetworkPools = "10.9.0.0/26".parse().unwrap();
        assert_eq!(first(&small, &ClusterSpec::default().workers(47), &[]), None);
    }

    #[test]
    fn the_clusters_own_ranges_are_taken() {
        let pools: NetworkPools = "100.64.7.0/25,10.244.0.0/24,10.96.0.0/16,10.9.0.0/26".parse().unwrap();
        assert_eq!(first(&pools, &ClusterSpec::default(), &[]), Some(ranges(&["10.9.0.0/26"])));
    }

    #[rstest]
    #[case(IpFamily::Ipv6)]
    #[case(IpFamily::Dual)]
    fn with_ipv6_there_is_a_unique_local_range_too(#[case] family: IpFamily) {
        let spec = ClusterSpec { networking: Networking::of_family(family), ..ClusterSpec::default() };
        // A route to all unique local addresses is one to the world.
        let [v4, v6] = first(&NetworkPools::default(), &spec, &["fc00::/7"]).unwrap()[..] else { panic!("two ranges") };
        let IpNet::V6(v6) = v6 else { panic!("{v6}") };
        assert!(v4.addr().is_ipv4() && v6.network().is_unique_local() && v6.prefix_len() == 64, "{v6}");
        let chosen: NetworkPools = "fd12:3::/32".parse().unwrap();
        let range = first(&chosen, &spec, &[]).unwrap()[1];
        assert!(meet(&range, &"fd12:3::/32".parse().unwrap()) && range.prefix_len() == 64, "{range}");
    }

    #[test]
    fn a_registry_and_its_mirrors_count() {
        let mut spec = ClusterSpec::default().workers(12);
        assert_eq!(length_for(&spec), 26);
        let mirror = || crate::spec::Mirror { host: "docker.io".into(), url: "https://r.example.com".into() };
        spec.registry = Some(Registry { mirrors: (0..8).map(|_| mirror()).collect(), ..Registry::default() });
        assert_eq!(length_for(&spec), 25);
    }

    #[rstest]
    #[case("engine", Some("engine"))]
    #[case("10.50.0.0/16", Some("10.50.0.0/16"))]
    #[case(" 10.50.3.4/16 , fd00:5::/48", Some("10.50.0.0/16,fd00:5::/48"))]
    #[case("10.50.0.0", None)]
    #[case("10.50.0.0/27", None)]
    #[case("fd00::/96", None)]
    #[case("docker", None)]
    #[case("10.50.0.0/16,", None)]
    fn pools_are_read(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(text.parse::<NetworkPools>().ok().map(|pools| pools.to_string()).as_deref(), expected);
    }
}
