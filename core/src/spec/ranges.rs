//! Ranges of addresses, as `10.244.0.0/16`: reading them, and whether two of them meet.

use std::{fmt, net::IpAddr};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet {
    address: IpAddr,
    length: u8,
}

/// What hosts cannot be given: this host, itself, its link, groups.
const NO_UNICAST: [&str; 8] =
    ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "::1/128", "fe80::/10", "ff00::/8"];

impl Subnet {
    /// Reads one range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
        let subnet = Self { address, length };
        (length <= subnet.bits()).then_some(subnet)
    }

    /// Reads ranges with commas between them; what is none is left out.
    pub(crate) fn parse_all(text: &str) -> Vec<Self> {
        text.split(',').filter_map(Self::parse).collect()
    }

    pub(crate) fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// How many bits of an address all of them have in common.
    pub(crate) fn length(self) -> u8 {
        self.length
    }

    /// Whether an address is in both.
    pub(crate) fn meets(self, other: Self) -> bool {
        let common = self.length.min(other.length);
        let host_bits = u32::from(self.bits().saturating_sub(common));
        let network = |subnet: Self| subnet.number().checked_shr(host_bits).unwrap_or_default();
        self.is_ipv6() == other.is_ipv6() && network(self) == network(other)
    }

    /// Whether hosts can have its addresses.
    pub(crate) fn is_unicast(self) -> bool {
        NO_UNICAST.iter().filter_map(|special| Self::parse(special)).all(|special| !self.meets(special))
    }

    fn bits(self) -> u8 {
        if self.is_ipv6() { 128 } else { 32 }
    }

    fn number(self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", "10.244.0.0/16", true)]
    #[case("10.244.0.0/16", "10.0.0.0/8", true)]
    #[case("10.244.0.0/16", "10.245.0.0/16", false)]
    #[case("10.244.7.9/16", "10.244.128.0/17", true)]
    #[case("100.64.0.0/10", "100.64.7.0/24", true)]
    #[case("0.0.0.0/0", "10.0.0.0/8", true)]
    #[case("fd00:10:244::/56", "fd00:10:244:1::/64", true)]
    #[case("fd00:10:244::/56", "fd00:10:244:100::/64", false)]
    #[case("::/0", "fd00::/8", true)]
    #[case("::/0", "10.0.0.0/8", false)]
    fn ranges_meet_where_one_holds_the_other(#[case] one: &str, #[case] other: &str, #[case] expected: bool) {
        let (one, other) = (Subnet::parse(one).unwrap(), Subnet::parse(other).unwrap());
        assert_eq!((one.meets(other), other.meets(one)), (expected, expected));
    }

    #[rstest]
    #[case("10.0.0.0")]
    #[case("10.0.0.0/33")]
    #[case("fd00::/129")]
    #[case("10.0.0/8")]
    #[case("/8")]
    #[case(" 10.0.0.0/8")]
    fn other_texts_are_none(#[case] text: &str) {
        assert_eq!(Subnet::parse(text), None);
    }

    #[test]
    fn hosts_cannot_have_every_address() {
        let is_unicast = |text: &str| Subnet::parse(text).unwrap().is_unicast();
        assert!(is_unicast("10.0.0.0/8") && is_unicast("fd00::/48") && is_unicast("100.64.0.0/10"));
        for text in ["127.1.0.0/16", "169.254.1.0/24", "239.0.0.0/16", "0.1.0.0/16", "fe80::/64", "ff02::/64"] {
            assert!(!is_unicast(text), "{text}");
        }
    }
}
