//! Which node has which address inside its cluster's network.
//!
//! The addresses are ours, not the engine's: they are the same in every cluster and after every restart, which is what
//! lets a highly available cluster be stopped, started and cloned (kind#1689, kind#2045).

use std::net::Ipv4Addr;

/// The API's port on the load balancer and on every control plane.
pub const LOAD_BALANCER_PORT: u16 = 6443;

/// The first three numbers of every node's address: shared address space (RFC 6598), which nobody routes at home.
const PREFIX: [u8; 3] = [100, 64, 7];
/// The last number of the load balancer's address; the first node has the next.
const LOAD_BALANCER: u8 = 10;
/// The largest number of nodes that fit behind it.
const MOST_NODES: usize = 240;

/// The addresses of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressPlan;

impl AddressPlan {
    /// How many nodes there can be.
    pub const MOST_NODES: usize = MOST_NODES;

    /// The load balancer's address.
    pub fn load_balancer(self) -> Ipv4Addr {
        Self::host(LOAD_BALANCER)
    }

    /// The address of the `index`th node, counted from 0 over all roles.
    ///
    /// # Panics
    /// Past [`AddressPlan::MOST_NODES`], which a valid specification cannot reach.
    pub fn node(self, index: usize) -> Ipv4Addr {
        assert!(index < MOST_NODES, "a valid specification has at most {MOST_NODES} nodes");
        let offset = u8::try_from(index + 1).expect("it is below 240");
        Self::host(LOAD_BALANCER + offset)
    }

    /// An address with the network's prefix length, as the node's entry point wants it.
    pub fn with_prefix(self, address: Ipv4Addr) -> String {
        format!("{address}/24")
    }

    fn host(last: u8) -> Ipv4Addr {
        let [a, b, c] = PREFIX;
        Ipv4Addr::new(a, b, c, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_do_not_meet() {
        let plan = AddressPlan;
        assert_eq!(plan.load_balancer().to_string(), "100.64.7.10");
        assert_eq!(plan.node(0).to_string(), "100.64.7.11");
        assert_eq!(plan.node(AddressPlan::MOST_NODES - 1).to_string(), "100.64.7.250");
    }
}
