//! Checksums: as users write them, as they lie beside an archive, and of a file.

use std::{fmt, fs::File, io, path::Path, str::FromStr};

use sha2::{Sha256, Sha512};

use super::SourceError;
use crate::digest::hex;

/// What a file has to be: `sha256:…` or `sha512:…`, or the digits alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    algorithm: Algorithm,
    digits: String,
}

/// How it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The strongest first.
    pub(super) const ALL: [Self; 2] = [Self::Sha512, Self::Sha256];

    /// Its name, which is also how files with checksums end.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Checksum {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError::Checksum { text: text.to_owned() };
        let (name, digits) = text.split_once(':').map_or((None, text), |(name, digits)| (Some(name), digits));
        let of_length = |algorithm: &Algorithm| algorithm.digits() == digits.len();
        let algorithm = Algorithm::ALL.into_iter().find(of_length).ok_or_else(wrong)?;
        if name.is_some_and(|name| name != algorithm.name()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        Ok(Self { algorithm, digits: digits.to_lowercase() })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.digits)
    }
}

impl Checksum {
    /// That of a file beside the archive: the digits, and perhaps a name after them.
    pub(super) fn of_text(algorithm: Algorithm, text: &str) -> Result<Self, SourceError> {
        let first = text.split_whitespace().next().unwrap_or_default();
        format!("{}:{first}", algorithm.name()).parse()
    }

    /// That of a file.
    pub(super) fn of_file(algorithm: Algorithm, path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let digits = match algorithm {
            Algorithm::Sha256 => digest::<Sha256>(&mut file)?,
            Algorithm::Sha512 => digest::<Sha512>(&mut file)?,
        };
        Ok(Self { algorithm, digits })
    }

    /// Fails where the file is another one.
    pub(super) fn verify(&self, path: &Path) -> Result<(), SourceError> {
        let broken = |source| SourceError::File { action: "read", path: path.to_owned(), source };
        let found = Self::of_file(self.algorithm, path).map_err(broken)?;
        if found == *self {
            return Ok(());
        }
        Err(SourceError::Mismatch { path: path.to_owned(), expected: self.clone(), found })
    }
}

fn digest<D: sha2::Digest + io::Write>(file: &mut File) -> io::Result<String> {
    let mut digest = D::new();
    io::copy(file, &mut digest)?;
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_checksum_has_a_name_or_is_known_by_its_length() {
        let checksum: Checksum = EMPTY.to_uppercase().parse().unwrap();
        assert_eq!(checksum.to_string(), format!("sha256:{EMPTY}"));
        assert_eq!(checksum.to_string().parse::<Checksum>().unwrap(), checksum);
        for wrong in ["", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", &format!("sha512:{EMPTY}"), &EMPTY[1..]] {
            assert!(wrong.parse::<Checksum>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_with_a_checksum_may_name_the_archive() {
        let checksum = Checksum::of_text(Algorithm::Sha256, &format!("{EMPTY}  a.tar.gz\n")).unwrap();
        assert_eq!(checksum.digits, EMPTY);
        assert!(Checksum::of_text(Algorithm::Sha512, "<html>not found</html>").is_err());
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "").unwrap();
        let checksum: Checksum = EMPTY.parse().unwrap();
        checksum.verify(&path).unwrap();
        std::fs::write(&path, "x").unwrap();
        assert!(matches!(checksum.verify(&path), Err(SourceError::Mismatch { .. })));
        let of = Checksum::of_file(Algorithm::Sha512, &path).unwrap();
        assert_eq!(of.digits.len(), 128);
        of.verify(&path).unwrap();
    }
}
