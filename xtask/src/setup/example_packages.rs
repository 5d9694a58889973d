//! Packages of the distribution that example images are made of: fetched and unpacked below `target/`, never installed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::apt;
use crate::{context::Context, process::ProcessError};

/// Tells what an unpacked folder was made of, so that the second time is free.
const STAMP: &str = ".packages";

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The folder to unpack into.
    pub(super) folder: String,
    packages: Vec<String>,
}

/// The list could not be read or carried out.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// A line of the list is not `folder: package …`.
    #[error("read {}, line {number}: expected `folder: package package …`, found {found:?}", file.display())]
    Line {
        /// The list.
        file: PathBuf,
        /// The line's number.
        number: usize,
        /// The line.
        found: String,
    },
    /// A file or folder could not be read or written.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The package manager failed.
    #[error("fetch the packages for examples/packages.txt, folder {folder}")]
    Fetch {
        /// The line's folder.
        folder: String,
        /// What it said.
        #[source]
        source: ProcessError,
    },
}

/// The lines whose packages are not unpacked yet. A workspace without a list lacks nothing.
pub(super) fn lacking(ctx: &Context) -> Result<Vec<Line>, PackagesError> {
    let file = ctx.workspace.package_list();
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|source| PackagesError::File { action: "read", path: file.clone(), source })?,
    };
    let made = ctx.workspace.packages();
    let is_made =
        |line: &Line| fs::read_to_string(made.join(&line.folder).join(STAMP)).is_ok_and(|is| is == line.stamp());
    Ok(parse(&file, &text)?.into_iter().filter(|line| !is_made(line)).collect())
}

/// Fetches and unpacks one line.
pub(super) async fn unpack(ctx: &Context, line: &Line) -> Result<(), PackagesError> {
    let fetch = |source| PackagesError::Fetch { folder: line.folder.clone(), source };
    let folder = ctx.workspace.packages().join(&line.folder);
    let half = folder.with_extension("part");
    let files = folder.with_extension("deb");
    for new in [&half, &files] {
        remove(new)?;
        fs::create_dir_all(new).map_err(|source| PackagesError::File {
            action: "create",
            path: new.clone(),
            source,
        })?;
    }
    apt::download(ctx, &line.packages, &files).await.map_err(fetch)?;
    for file in list(&files)? {
        apt::unpack(&file, &half).await.map_err(fetch)?;
    }
    let stamp = half.join(STAMP);
    fs::write(&stamp, line.stamp()).map_err(|source| PackagesError::File { action: "write", path: stamp, source })?;
    // The folder appears only when it is complete.
    remove(&folder)?;
    fs::rename(&half, &folder).map_err(|source| PackagesError::File { action: "rename", path: half, source })?;
    remove(&files)
}

impl Line {
    fn stamp(&self) -> String {
        self.packages.join("\n") + "\n"
    }
}

fn parse(file: &Path, text: &str) -> Result<Vec<Line>, PackagesError> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let wanted = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    wanted
        .map(|(number, text)| {
            let wrong = || PackagesError::Line { file: file.to_owned(), number, found: text.to_owned() };
            let (folder, packages) = text.split_once(':').ok_or_else(wrong)?;
            let folder = folder.trim();
            let packages: Vec<String> = packages.split_whitespace().map(str::to_owned).collect();
            let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.contains('/');
            if packages.is_empty() || !is_name(folder) || !packages.iter().all(|name| is_name(name)) {
                return Err(wrong());
            }
            Ok(Line { folder: folder.to_owned(), packages })
        })
        .collect()
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, PackagesError> {
    let failed = |source| PackagesError::File { action: "list", path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let files: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    files.map_err(failed)
}

fn remove(folder: &Path) -> Result<(), PackagesError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PackagesError::File { action: "remove", path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_folder_and_its_packages() {
        let lines = parse(Path::new("list"), "# why\n\nredis: redis-server libc6\n").unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].folder, "redis");
        assert_eq!(lines[0].packages, ["redis-server", "libc6"]);
    }

    #[test]
    fn what_is_no_such_line_is_named_with_its_number() {
        for wrong in ["redis", "redis:", "../etc: libc6", "redis: --option"] {
            let error = parse(Path::new("list"), &format!("a: b\n{wrong}\n")).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains("folder: package"), "{error}");
        }
    }
}
