//! Why there is no image.

use std::{io, path::PathBuf};

use kind_core::{cluster::ClusterError, settings::SettingsError};
use kind_engine::ImageNameError;

/// An image could not be made, or not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// There is no such program.
    #[error(
        "make an image of {}: there is no such file; Cargo builds the programs of a package before its tests in `tests/`, where `env!(\"CARGO_BIN_EXE_name\")` is the path of one",
        path.display()
    )]
    NoProgram {
        /// The path.
        path: PathBuf,
    },
    /// A file is none that the image can be made of.
    #[error("make an image of {}: found {found}, expected a program for Linux (ELF); {way}", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        way: &'static str,
    },
    /// A program or library cannot be understood.
    #[error("make an image: {} is damaged, or no program: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A library is nowhere.
    #[error(
        "make an image: {} needs {library} for {architecture}, which is in none of {}; install it, name another root file system with `root`, or add it with `file(\"/usr/lib/{library}\", …)`",
        needed_by.display(),
        list(folders)
    )]
    NoLibrary {
        /// The library's file name.
        library: String,
        /// The program or library that needs it.
        needed_by: PathBuf,
        /// The processor that it is for.
        architecture: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// There are no certificates on this machine.
    #[error(
        "make an image with certificates: found none in {}; install them (Debian's package is `ca-certificates`)",
        list(files)
    )]
    NoCertificates {
        /// Where they were looked for.
        files: Vec<PathBuf>,
    },
    /// The image's name or tag is none.
    #[error("name an image")]
    Name(#[from] ImageNameError),
    /// Something that was asked for cannot be.
    #[error("make image {image}: {what} {found:?}: {problem}")]
    Setting {
        /// The image's name.
        image: String,
        /// What it is about, such as `user`.
        what: &'static str,
        /// What was said.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An image that somebody else made is to be another one.
    #[error("load image {image}: it is there already, so `{what}` cannot be said of it; say it where it is built")]
    NotOurs {
        /// The image.
        image: String,
        /// The method.
        what: &'static str,
    },
    /// An archive holds several images.
    #[error(
        "load {}: found {} in it, expected one image; `Cluster::load_archive` loads them all",
        path.display(),
        images.join(", ")
    )]
    Several {
        /// The archive.
        path: PathBuf,
        /// The images.
        images: Vec<String>,
    },
    /// A file of this machine.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The environment.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The cluster's nodes.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl ImageError {
    /// For `map_err`.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
