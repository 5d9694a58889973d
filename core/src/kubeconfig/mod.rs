//! The user's kubeconfig file: a cluster's entry comes in and goes out again, everything else in it stays as it is.
//!
//! `files` says which file, `edit` is what callers do with it, `read` reads it, `entries` changes its contents as data, `store`
//! replaces it safely. `export` reads a running cluster's kubeconfig. What a cluster's own kubeconfig holds is made by
//! [`crate::render`].

mod edit;
mod entries;
mod error;
mod export;
mod files;
mod read;
mod store;

#[cfg(test)]
mod odd_files;
#[cfg(test)]
mod tests;

pub use error::KubeconfigError;
pub use export::{ExportError, Reach, export, leads_from_here};
pub use files::KubeconfigFiles;
pub use read::document;
