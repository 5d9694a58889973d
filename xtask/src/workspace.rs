//! Where things are in this workspace. No I/O.

use std::path::{Path, PathBuf};

/// The workspace's folders.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace that this program was built from; cargo builds in `target`, or in the folder of that name.
    pub fn of_this_program(target: Option<PathBuf>) -> Self {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::at(xtask.parent().unwrap_or(xtask), target)
    }

    /// A workspace elsewhere.
    pub fn at(root: &Path, target: Option<PathBuf>) -> Self {
        Self { root: root.to_owned(), target: root.join(target.unwrap_or_else(|| "target".into())) }
    }

    /// The folder with the root `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What we make and may be thrown away.
    pub fn made(&self) -> PathBuf {
        self.target.join("kind")
    }

    /// A program that cargo built.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The disks of virtual machines.
    pub fn virtual_machines(&self) -> PathBuf {
        self.made().join("vm")
    }

    /// The roots of other engines.
    pub fn engines(&self) -> PathBuf {
        self.made().join("engines")
    }

    /// Output of programs that ran behind a progress line.
    pub fn logs(&self) -> PathBuf {
        self.made().join("logs")
    }

    /// Unpacked Debian packages that example images are made of.
    pub fn packages(&self) -> PathBuf {
        self.made().join("packages")
    }

    /// Programs that are built from Go modules of this workspace.
    pub fn go_programs(&self) -> PathBuf {
        self.made().join("go")
    }

    /// The conformance specs that `cargo xtask test` runs.
    pub fn selection(&self) -> PathBuf {
        self.root.join("conformance/selection.txt")
    }

    /// The list of those packages.
    pub fn package_list(&self) -> PathBuf {
        self.root.join("examples/packages.txt")
    }
}
