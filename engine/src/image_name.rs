//! Names of images, spelled out as engines, registries and nodes do: one image has one name. Nothing here asks an engine.

use std::{fmt, net::Ipv6Addr};

/// The registry that is meant where a name says none.
const DOCKER_HUB: &str = "docker.io";
/// Docker Hub under the name that it had first.
const DOCKER_HUB_INDEX: &str = "index.docker.io";
/// The longest tag.
const LONGEST_TAG: usize = 128;
/// The longest path.
const LONGEST_PATH: usize = 255;

/// A text that is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name of an image: {problem}")]
pub struct ImageNameError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The name of an image. `redis`, `docker.io/redis` and `index.docker.io/library/redis:latest` are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    registry: String,
    path: String,
    version: Version,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Version {
    Tag(String),
    Digest(String),
}

impl ImageName {
    /// Reads a name. Without a tag `latest` is meant; a digest says all that a tag could say, so the tag beside it is
    /// dropped, as engines and nodes do.
    ///
    /// # Errors
    /// When the text is no name.
    pub fn parse(text: &str) -> Result<Self, ImageNameError> {
        let wrong = |problem| ImageNameError { text: text.to_owned(), problem };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) if is_digest(digest) => (named, Some(digest)),
            Some(_) => return Err(wrong("expected a digest such as sha256:0123… after `@`")),
            None => (text, None),
        };
        // A colon before the last slash belongs to a port.
        let (named, tag) = match named.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (named, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("after `:` expected a tag of at most 128 letters, digits, `_`, `.` and `-`"));
        }
        let (registry, path) = match named.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DOCKER_HUB, named),
        };
        if !is_host(registry) {
            return Err(wrong("expected a registry such as registry.example.com:5000 before the first `/`"));
        }
        let registry = if registry == DOCKER_HUB_INDEX { DOCKER_HUB } else { registry };
        if path.len() > LONGEST_PATH || !path.split('/').all(is_component) {
            return Err(wrong("expected small letters and digits, with `.`, `_`, `-` or `/` between them"));
        }
        let is_official = registry == DOCKER_HUB && !path.contains('/');
        let version = match digest {
            Some(digest) => Version::Digest(digest.to_owned()),
            None => Version::Tag(tag.unwrap_or("latest").to_owned()),
        };
        Ok(Self {
            registry: registry.to_owned(),
            path: if is_official { format!("library/{path}") } else { path.to_owned() },
            version,
        })
    }

    /// The registry's host and port; `docker.io` where the name said none.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The tag or the digest.
    pub fn version(&self) -> &str {
        match &self.version {
            Version::Tag(text) | Version::Digest(text) => text,
        }
    }

    /// Whether the content itself is named and not a tag that may move.
    pub fn is_pinned(&self) -> bool {
        matches!(self.version, Version::Digest(_))
    }
}

/// The name as a node has it.
impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_pinned() { '@' } else { ':' };
        write!(f, "{}/{}{sign}{}", self.registry, self.path, self.version())
    }
}

/// Whether the first part of a name is a registry and not a folder of Docker Hub.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A host's name or address, and a port where one is said.
fn is_host(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_inner)
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_named = || host.split('.').all(is_label);
    address.map_or_else(is_named, |address| address.parse::<Ipv6Addr>().is_ok()) && port.is_none_or(is_port)
}

fn is_component(part: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = part.as_bytes();
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte);
    is_edge(bytes.first()) && is_edge(bytes.last()) && bytes.iter().all(is_inner) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    bytes.len() <= LONGEST_TAG
        && bytes.first().is_some_and(|byte| is_word(*byte))
        && bytes.iter().all(|byte| is_word(*byte) || b".-".contains(byte))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hexadecimal)) = digest.split_once(':') else { return false };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte);
    !algorithm.is_empty()
        && algorithm.bytes().all(is_letter)
        && hexadecimal.len() >= 32
        && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn spelled_out(text: &str) -> String {
        ImageName::parse(text).unwrap().to_string()
    }

    #[test]
    fn one_image_has_one_name() {
        for text in ["app:2", "library/app:2", "docker.io/app:2", "index.docker.io/app:2", "docker.io/library/app:2"] {
            assert_eq!(spelled_out(text), "docker.io/library/app:2", "{text}");
        }
        for (text, expected) in [
            ("redis", "docker.io/library/redis:latest"),
            ("me/app:1", "docker.io/me/app:1"),
            ("index.docker.io/me/app", "docker.io/me/app:latest"),
            ("localhost/app:1", "localhost/app:1"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("Build/app", "Build/app:latest"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("[::1]:5000/a/b_c-d.e", "[::1]:5000/a/b_c-d.e:latest"),
        ] {
            assert_eq!(spelled_out(text), expected, "{text}");
        }
    }

    #[test]
    fn beside_a_digest_a_tag_says_nothing() {
        let expected = format!("docker.io/library/app@{DIGEST}");
        for text in [format!("app@{DIGEST}"), format!("app:2@{DIGEST}"), format!("docker.io/app:2@{DIGEST}")] {
            assert_eq!(spelled_out(&text), expected, "{text}");
        }
        let name = ImageName::parse(&expected).unwrap();
        assert!(name.is_pinned());
        assert_eq!((name.registry(), name.version()), ("docker.io", DIGEST));
    }

    #[test]
    fn a_spelled_out_name_stays_as_it_is() {
        for text in ["a", "a:b", "x.y/z", "localhost:1/a/b:c", "a@sha256:0123456789abcdef0123456789abcdef"] {
            assert_eq!(spelled_out(&spelled_out(text)), spelled_out(text));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let refused = [
            "",
            " ",
            "App",
            "a b",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a:",
            "a:-b",
            "a:b:c",
            "a@",
            "a@sha256:12",
            "-a",
            "a_",
            "<none>:<none>",
            "https://example.com/app",
            "a:ä",
            ":1",
            "./a",
            "a..b/c",
            "-a.example/b",
            "a.example:/b",
            "a.example:x/b",
            "[::1/b",
            "a_b.example/c",
        ];
        for text in refused {
            let error = ImageName::parse(text).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{text:?} is no name of an image: ")), "{error}");
        }
        assert!(ImageName::parse(&"a".repeat(256)).is_err());
        assert!(ImageName::parse(&format!("a:{}", "b".repeat(129))).is_err());
    }
}
