//! What is reached without a proxy: `NO_PROXY` as curl, Go and people read it.

use std::net::IpAddr;

/// Whether a list of exceptions names this host, which may be a name or an address in brackets or without.
///
/// Items are separated by commas or blanks; empty ones are nothing. A name means itself and everything below it, with
/// `.` or `*.` in front or without. A range may leave out zeros (`169.254/16`), and `:PORT` limits an item to that port.
pub(super) fn names(list: &str, host: &str, port: u16) -> bool {
    let host = plain(host);
    let address: Option<IpAddr> = host.parse().ok();
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty()).any(|item| {
        item == "*"
            || match address {
                Some(address) => means_address(item, address, port),
                None => means_name(item, &host, port),
            }
    })
}

/// Whether this host is always this machine itself, for which nobody asks a proxy.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = plain(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// In small letters, without brackets and without the dot that ends a full name.
fn plain(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()
}

fn means_name(item: &str, host: &str, port: u16) -> bool {
    let (name, only) = split_port(item);
    let name = plain(name);
    let name = name.strip_prefix('*').unwrap_or(&name);
    let name = name.strip_prefix('.').unwrap_or(name);
    let below = || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && only.is_none_or(|only| only == port) && (host == name || below())
}

fn means_address(item: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, bits)) = item.split_once('/') {
        return is_in(network, bits, address).unwrap_or(false);
    }
    // An address of the newer kind has colons of its own.
    if let Ok(named) = plain(item).parse::<IpAddr>() {
        return named == address;
    }
    let (named, only) = split_port(item);
    plain(named).parse() == Ok(address) && only.is_none_or(|only| only == port)
}

fn split_port(item: &str) -> (&str, Option<u16>) {
    match item.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) => (name, Some(port)),
        _ => (item, None),
    }
}

fn is_in(network: &str, bits: &str, address: IpAddr) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    Some(match address {
        IpAddr::V4(address) => {
            let mut parts = network.split('.').map(str::parse::<u8>).collect::<Result<Vec<_>, _>>().ok()?;
            if parts.len() > 4 || bits > 32 {
                return None;
            }
            parts.resize(4, 0);
            let network = parts.into_iter().fold(0_u32, |sum, part| (sum << 8) | u32::from(part));
            let different = network ^ u32::from(address);
            bits == 0 || different >> (32 - bits) == 0
        }
        IpAddr::V6(address) => {
            let network: std::net::Ipv6Addr = plain(network).parse().ok().filter(|_| bits <= 128)?;
            let different = u128::from(network) ^ u128::from(address);
            bits == 0 || different >> (128 - bits) == 0
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("*", "example.com", true)]
    #[case("a, *", "10.0.0.1", true)]
    #[case("localhost,127.0.0.1,", "127.0.0.1", true)]
    #[case(",localhost", "localhost", true)]
    #[case("localhost 127.0.0.1", "127.0.0.1", true)]
    #[case("a\t,\n b", "b", true)]
    #[case("*.local, 169.254/16", "169.254.7.9", true)]
    #[case("*.local, 169.254/16", "169.253.7.9", false)]
    #[case("*.local, 169.254/16", "api.local", true)]
    #[case("*.local", "local", true)]
    #[case(".example.com", "api.example.com", true)]
    #[case("example.com", "api.example.com", true)]
    #[case("example.com", "badexample.com", false)]
    #[case("Example.COM", "API.example.com.", true)]
    #[case("example.com:6443", "example.com", true)]
    #[case("example.com:443", "example.com", false)]
    #[case("10/8", "10.9.8.7", true)]
    #[case("10.0.0.0/8", "11.0.0.1", false)]
    #[case("0.0.0.0/0", "11.0.0.1", true)]
    #[case("10.0.0.1/32", "10.0.0.1", true)]
    #[case("10.0.0.1:6443", "10.0.0.1", true)]
    #[case("10.0.0.1:1", "10.0.0.1", false)]
    #[case("10.0.0.0/33,a/b,/,:,.,*.,1.2.3.4.5/8", "10.0.0.1", false)]
    #[case(":,.,*.", "example.com", false)]
    #[case("fd00::/8", "[fd00::1]", true)]
    #[case("fd00::1", "[fd00::1]", true)]
    #[case("[fd00::1]:6443", "[fd00::1]", true)]
    #[case("[fd00::1]:1", "[fd00::1]", false)]
    #[case("::/0", "fd00::1", true)]
    #[case("10/8", "fd00::1", false)]
    #[case("", "example.com", false)]
    fn lists(#[case] list: &str, #[case] host: &str, #[case] expected: bool) {
        assert_eq!(names(list, host, 6443), expected);
    }

    #[rstest]
    #[case("localhost", true)]
    #[case("LOCALHOST.", true)]
    #[case("api.localhost", true)]
    #[case("127.8.9.1", true)]
    #[case("[::1]", true)]
    #[case("::ffff:127.0.0.1", true)]
    #[case("0.0.0.0", true)]
    #[case("128.0.0.1", false)]
    #[case("notlocalhost", false)]
    fn this_machine(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(host), expected);
    }
}
