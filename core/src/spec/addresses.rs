//! Which node has which address inside its cluster's network.
//!
//! The addresses are ours, not the engine's: they are the same in every cluster and after every restart, which is what
//! lets a highly available cluster be stopped, started and cloned (kind#1689, kind#2045).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{IpFamily, Networking};

/// The API's port on the load balancer and on every control plane.
pub const LOAD_BALANCER_PORT: u16 = 6443;

/// The first three numbers of every node's address: shared address space (RFC 6598), which nobody routes at home.
const PREFIX: [u8; 3] = [100, 64, 7];
/// The beginning of every node's IPv6 address: a unique local one (RFC 4193), `kind` in ASCII.
const PREFIX_V6: [u16; 4] = [0xfd6b, 0x696e, 0x6400, 0x7];
/// The last number of the load balancer's address; the first node has the next.
const LOAD_BALANCER: u8 = 10;
/// The largest number of nodes that fit behind it.
const MOST_NODES: usize = 240;

/// The addresses of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPlan {
    family: IpFamily,
    ipv6_first: bool,
}

/// The addresses of one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The one that counts: where the API is reached, and what a node is registered with first.
    pub primary: IpAddr,
    /// The one of the other family.
    pub secondary: Option<IpAddr>,
}

impl AddressPlan {
    /// How many nodes there can be.
    pub const MOST_NODES: usize = MOST_NODES;

    /// The addresses that go with these networks.
    pub fn of(networking: &Networking) -> Self {
        // The API server refuses an address of another family than that of its first service range.
        let ipv6_first = networking.service_subnet.split(',').next().is_some_and(|first| first.contains(':'));
        Self { family: networking.ip_family, ipv6_first }
    }

    /// The load balancer's addresses.
    pub fn load_balancer(self) -> Addresses {
        self.host(LOAD_BALANCER)
    }

    /// The addresses of the `index`th node, counted from 0 over all roles.
    ///
    /// # Panics
    /// Past [`AddressPlan::MOST_NODES`], which a valid specification cannot reach.
    pub fn node(self, index: usize) -> Addresses {
        assert!(index < MOST_NODES, "a valid specification has at most {MOST_NODES} nodes");
        let offset = u8::try_from(index + 1).expect("it is below 240");
        self.host(LOAD_BALANCER + offset)
    }

    /// The networks that all of them are in, separated by commas.
    pub(crate) fn networks(self) -> String {
        let [a, b, c] = PREFIX;
        let v4 = with_prefix(IpAddr::V4(Ipv4Addr::new(a, b, c, 0)));
        let [a, b, c, d] = PREFIX_V6;
        let v6 = with_prefix(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)));
        match self.family {
            IpFamily::Ipv4 => v4,
            IpFamily::Ipv6 => v6,
            IpFamily::Dual => format!("{v4},{v6}"),
        }
    }

    fn host(self, last: u8) -> Addresses {
        let [a, b, c] = PREFIX;
        let v4 = IpAddr::V4(Ipv4Addr::new(a, b, c, last));
        let [a, b, c, d] = PREFIX_V6;
        // The same digits as in the IPv4 address, so that people see which is whose.
        let digits = u16::from_str_radix(&last.to_string(), 16).expect("decimal digits are hexadecimal digits");
        let v6 = IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, digits));
        match self.family {
            IpFamily::Ipv4 => Addresses { primary: v4, secondary: None },
            IpFamily::Ipv6 => Addresses { primary: v6, secondary: None },
            IpFamily::Dual if self.ipv6_first => Addresses { primary: v6, secondary: Some(v4) },
            IpFamily::Dual => Addresses { primary: v4, secondary: Some(v6) },
        }
    }
}

impl Addresses {
    /// All of them, the one that counts first.
    pub fn all(self) -> impl Iterator<Item = IpAddr> {
        [self.primary].into_iter().chain(self.secondary)
    }

    /// All of them with their network's prefix lengths, separated by commas, as the node's entry point wants them.
    pub fn with_prefixes(self) -> String {
        self.all().map(with_prefix).collect::<Vec<_>>().join(",")
    }

    /// The commands that give them to a container. Twice does no harm.
    pub fn commands(self) -> Vec<String> {
        let command = |address: IpAddr| {
            // Nobody else has it: there is no other such container in the network.
            let at_once = if address.is_ipv6() { " nodad" } else { "" };
            format!("ip address replace {} dev eth0{at_once}", with_prefix(address))
        };
        self.all().map(command).collect()
    }
}

fn with_prefix(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 24 } else { 64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(family: IpFamily) -> AddressPlan {
        AddressPlan::of(&Networking::of_family(family))
    }

    #[test]
    fn the_family_of_the_first_service_range_comes_first() {
        let mut networking = Networking::of_family(IpFamily::Dual);
        networking.service_subnet = "fd00::/112,10.96.0.0/16".to_owned();
        let expected = "fd6b:696e:6400:7::11/64,100.64.7.11/24";
        assert_eq!(AddressPlan::of(&networking).node(0).with_prefixes(), expected);
    }

    #[test]
    fn addresses_do_not_meet() {
        let plan = plan(IpFamily::Ipv4);
        assert_eq!(plan.load_balancer().with_prefixes(), "100.64.7.10/24");
        assert_eq!(plan.node(0).primary.to_string(), "100.64.7.11");
        assert_eq!(plan.node(AddressPlan::MOST_NODES - 1).primary.to_string(), "100.64.7.250");
    }

    #[test]
    fn ipv6_addresses_have_the_same_digits_and_come_second_where_there_are_both() {
        assert_eq!(plan(IpFamily::Ipv6).node(0).with_prefixes(), "fd6b:696e:6400:7::11/64");
        let last = plan(IpFamily::Dual).node(AddressPlan::MOST_NODES - 1);
        assert_eq!(last.with_prefixes(), "100.64.7.250/24,fd6b:696e:6400:7::250/64");
        let expected = [
            "ip address replace 100.64.7.250/24 dev eth0",
            "ip address replace fd6b:696e:6400:7::250/64 dev eth0 nodad",
        ];
        assert_eq!(last.commands(), expected);
    }
}
