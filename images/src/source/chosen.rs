//! What a user says of the source: a text, and perhaps of which kind it is.

use std::path::{Path, PathBuf};

use super::{SourceError, version::is_version};

/// Where release archives are published.
const RELEASES: &str = "https://dl.k8s.io";

/// Where the Kubernetes of a node image comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Source {
    /// The Go modules of [`BuildOptions::release`](crate::BuildOptions::release).
    #[default]
    Module,
    /// A folder with Kubernetes' sources, built with its own module files.
    Checkout(PathBuf),
    /// An archive of a release's programs (`kubernetes-server-linux-amd64.tar.gz`) on this machine.
    Archive(PathBuf),
    /// The same, to be fetched.
    Url(String),
    /// A node image that is there already, or in a registry.
    Image(String),
}

/// The kinds of sources that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Go modules.
    Module,
    /// A folder with sources.
    Source,
    /// An archive on this machine.
    File,
    /// An archive to be fetched.
    Url,
    /// The published archive of a release.
    Release,
    /// A node image.
    Image,
}

impl Source {
    /// What the text means; where no kind is said, what it is: an address, a file, a folder, or a release.
    ///
    /// ```
    /// use kind_images::{Source, SourceKind};
    ///
    /// assert_eq!(Source::choose(None, None).unwrap(), Source::Module);
    /// let Source::Url(url) = Source::choose(Some("v1.36.3"), None).unwrap() else { panic!() };
    /// assert!(url.contains("/v1.36.3/kubernetes-server-linux-"));
    /// let image = Source::choose(Some("kindest/node:v1.36.1"), Some(SourceKind::Image)).unwrap();
    /// assert_eq!(image, Source::Image("kindest/node:v1.36.1".to_owned()));
    /// ```
    ///
    /// # Errors
    /// When it is nothing of the kind, or nothing at all.
    pub fn choose(text: Option<&str>, kind: Option<SourceKind>) -> Result<Self, SourceError> {
        let Some(text) = text else {
            return match kind {
                None | Some(SourceKind::Module) => Ok(Self::Module),
                // As kind's own tool has it: where one stands.
                Some(SourceKind::Source) => Ok(Self::Checkout(PathBuf::from("."))),
                Some(_) => Err(SourceError::Nothing),
            };
        };
        let path = Path::new(text);
        let kind = match kind {
            Some(kind) => kind,
            None if is_url(text) => SourceKind::Url,
            None if path.is_file() => SourceKind::File,
            None if path.is_dir() => SourceKind::Source,
            None => SourceKind::Release,
        };
        let unknown = || SourceError::Unknown { text: text.to_owned() };
        match kind {
            SourceKind::Module => Err(SourceError::ModuleWithText { text: text.to_owned() }),
            SourceKind::Source if path.is_dir() => Ok(Self::Checkout(path.to_owned())),
            SourceKind::File if path.is_file() => Ok(Self::Archive(path.to_owned())),
            SourceKind::Url if is_url(text) => Ok(Self::Url(text.to_owned())),
            SourceKind::Release if is_version(&with_v(text)) => Ok(Self::Url(release_url(&with_v(text)))),
            SourceKind::Image => Ok(Self::Image(text.to_owned())),
            _ => Err(unknown()),
        }
    }
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}

fn with_v(text: &str) -> String {
    if text.starts_with('v') { text.to_owned() } else { format!("v{text}") }
}

/// Where the programs of a release are published, for this machine.
fn release_url(version: &str) -> String {
    format!("{RELEASES}/{version}/kubernetes-server-linux-{}.tar.gz", crate::archive::go_architecture())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.gz");
        std::fs::write(&archive, "").unwrap();
        let choose = |path: &Path| Source::choose(Some(path.to_str().unwrap()), None).unwrap();
        assert_eq!(choose(folder.path()), Source::Checkout(folder.path().to_owned()));
        assert_eq!(choose(&archive), Source::Archive(archive.clone()));
        let url = "https://example.com/a.tar.gz";
        assert_eq!(Source::choose(Some(url), None).unwrap(), Source::Url(url.to_owned()));
        assert_eq!(Source::choose(Some("1.36.3"), None), Source::choose(Some("v1.36.3"), Some(SourceKind::Release)));
        assert_eq!(Source::choose(None, Some(SourceKind::Source)).unwrap(), Source::Checkout(".".into()));
    }

    #[test]
    fn what_is_nothing_of_its_kind_is_refused() {
        for (text, kind) in [
            ("no-such-file.tar.gz", None),
            ("no-such-file.tar.gz", Some(SourceKind::File)),
            ("v1.36.3", Some(SourceKind::Source)),
            ("v1.36", Some(SourceKind::Release)),
            ("/tmp/a.tar.gz", Some(SourceKind::Url)),
        ] {
            let error = Source::choose(Some(text), kind).unwrap_err();
            assert_eq!(error, SourceError::Unknown { text: text.to_owned() }, "{kind:?}");
        }
        assert_eq!(Source::choose(None, Some(SourceKind::File)), Err(SourceError::Nothing));
    }
}
