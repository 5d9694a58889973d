//! A proxy's address as people write it: taken apart as curl does it, and written so that a strict reader takes it.

/// A proxy's address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    scheme: String,
    /// Name and password, as written.
    user: Option<&'a str>,
    /// The host, and the port where it is given.
    place: &'a str,
}

impl<'a> Address<'a> {
    /// Without a scheme it is `http`; what comes after the host is nothing. A password may hold anything.
    pub(super) fn read(value: &'a str) -> Self {
        let (scheme, rest) = value.trim().split_once("://").unwrap_or(("http", value.trim()));
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let end = place.find(['/', '?', '#']).unwrap_or(place.len());
        // Names are always resolved by the proxy, which is what the longer one asks for.
        let scheme = scheme.to_ascii_lowercase();
        let scheme = if scheme == "socks5h" { "socks5".to_owned() } else { scheme };
        Self { scheme, user, place: &place[..end] }
    }

    pub(super) fn place(&self) -> &'a str {
        self.place
    }

    pub(super) fn host(&self) -> &'a str {
        match self.place.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.contains(']') => host,
            _ => self.place,
        }
    }
}

impl std::fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = self.user {
            let bytes = user.as_bytes();
            for (at, byte) in bytes.iter().enumerate() {
                let is_escape = |digits: &[u8]| digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
                let stays = match byte {
                    b'%' => is_escape(bytes.get(at + 1..at + 3).unwrap_or_default()),
                    other => other.is_ascii_alphanumeric() || b"-._~:!$&'()*+,;=".contains(other),
                };
                if stays { write!(f, "{}", char::from(*byte))? } else { write!(f, "%{byte:02X}")? }
            }
            write!(f, "@")?;
        }
        f.write_str(self.place)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("proxy.example.com:3128/", "http://proxy.example.com:3128", "proxy.example.com")]
    #[case("http://proxy.example.com", "http://proxy.example.com", "proxy.example.com")]
    #[case(" HTTPS://proxy:1/a?b#c ", "https://proxy:1", "proxy")]
    #[case("http://user:p^ss@proxy:3128", "http://user:p%5Ess@proxy:3128", "proxy")]
    #[case("http://user:p%40s%s@proxy", "http://user:p%40s%25s@proxy", "proxy")]
    #[case("user:a@b/c#d?e@proxy:1/", "http://user:a%40b%2Fc%23d%3Fe@proxy:1", "proxy")]
    #[case("http://dom\\user:ä\"@proxy", "http://dom%5Cuser:%C3%A4%22@proxy", "proxy")]
    #[case("socks5h://[::1]:1080", "socks5://[::1]:1080", "[::1]")]
    #[case("http://[fd00::1]", "http://[fd00::1]", "[fd00::1]")]
    fn forms(#[case] value: &str, #[case] expected: &str, #[case] host: &str) {
        let address = Address::read(value);
        assert_eq!((address.to_string().as_str(), address.host()), (expected, host));
        assert!(expected.parse::<http::Uri>().is_ok());
    }
}
