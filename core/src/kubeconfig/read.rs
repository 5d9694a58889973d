//! Reading a kubeconfig file as kubectl does: only its first document counts, and marks in front of it do not matter.

use std::{io, path::Path};

use super::KubeconfigError;
use crate::{
    user_file,
    yaml_text::{decode, first_document},
};

/// The text of a kubeconfig file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// What is on the disk.
    pub(super) bytes: Vec<u8>,
    /// The first document.
    pub(super) document: String,
    /// What nobody reads, from its marker on.
    pub(super) rest: String,
}

/// Reads one; `None` where there is no file.
pub(super) fn contents(path: &Path) -> Result<Option<Contents>, KubeconfigError> {
    let bytes = match user_file::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KubeconfigError::file("read", path, source)),
    };
    let text =
        decode(&bytes).map_err(|error| KubeconfigError::Text { path: path.to_owned(), problem: error.to_string() })?;
    let (document, rest) = first_document(&text);
    let (document, rest) = (document.to_owned(), rest.to_owned());
    Ok(Some(Contents { bytes, document, rest }))
}

/// The first document of a file that is there.
///
/// # Errors
/// When it cannot be read, or holds no document.
pub fn document(path: &Path) -> Result<String, KubeconfigError> {
    let found = contents(path)?.map(|contents| contents.document);
    found.ok_or_else(|| KubeconfigError::file("read", path, io::ErrorKind::NotFound.into()))
}
