//! Digests of named inputs: the keys of everything that is cached or tagged.

use sha2::{Digest as _, Sha256};

/// A digest under construction.
pub(crate) struct Digest(Sha256);

impl Digest {
    /// `purpose` keeps digests of different things apart.
    pub(crate) fn new(purpose: &str) -> Self {
        Self(Sha256::new()).field("purpose", purpose)
    }

    /// Adds an input. Lengths go in as well, so that no two lists of inputs look alike.
    pub(crate) fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds several inputs.
    pub(crate) fn fields<N: AsRef<str>, V: AsRef<[u8]>>(self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        fields.into_iter().fold(self, |digest, (name, value)| digest.field(name.as_ref(), value))
    }

    /// Twelve hexadecimal digits: enough to tell builds apart, short enough for a tag.
    pub(crate) fn short(self) -> String {
        hex(&self.0.finalize()[..6])
    }
}

/// The whole SHA-256 of some bytes, as `sha256:…` has it after the colon.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Sixteen random bytes.
pub(crate) fn random() -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 16];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_between_inputs_count() {
        let one = Digest::new("t").field("ab", "c").short();
        let other = Digest::new("t").field("a", "bc").short();
        assert_ne!(one, other);
        assert_eq!(one.len(), 12);
    }

    #[test]
    fn sha256_is_the_usual_one() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
