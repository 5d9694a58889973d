//! The virtual machine's root file system, made of Debian's packages and kept until what goes into it changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    guest::{self, PACKAGES},
    run::VmError,
};
use crate::{
    context::Context,
    process::{Tool, run_logged},
};

/// The disk's size. What is not written takes no room.
const SIZE: &str = "16G";

/// What a machine boots from.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) disk: PathBuf,
    pub(super) kernel: PathBuf,
    pub(super) initrd: PathBuf,
}

impl Root {
    fn at(folder: &Path) -> Self {
        Self { disk: folder.join("root.ext4"), kernel: folder.join("vmlinuz"), initrd: folder.join("initrd") }
    }
}

/// Has the root file system of that Debian release.
pub(super) async fn root(ctx: &Context, suite: &str) -> Result<Root, VmError> {
    let folder = ctx.workspace.made().join("vm").join(suite);
    let recipe = recipe(suite);
    let noted = folder.join("recipe");
    if fs::read_to_string(&noted).is_ok_and(|found| found == recipe) {
        return Ok(Root::at(&folder));
    }
    let failed = |action| move |source| VmError::File { action, path: folder_of(suite), source };
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed("remove what an earlier run left in"))?;
    }
    fs::create_dir_all(&folder).map_err(failed("make"))?;
    let tree = folder.join("tree");
    let bootstrap = Tool::new("mmdebstrap")
        .args(["--variant=essential".to_owned(), format!("--include={}", PACKAGES.join(","))])
        .args(["doc", "man", "locale"].map(|folder| format!("--dpkgopt=path-exclude=/usr/share/{folder}/*")))
        .args([suite.to_owned(), tree.display().to_string()])
        .args(
            kind_images::debian_mirrors(Path::new("/etc/apt"), suite, &folder).map_err(failed("write sources into"))?,
        );
    run_logged(ctx, &format!("install Debian {suite} for the virtual machine"), &bootstrap).await?;
    for file in guest::files() {
        write(&tree.join(file.path), &file.text).map_err(failed("write files of the virtual machine into"))?;
    }
    let root = Root::at(&folder);
    for (name, to) in [("vmlinuz-", &root.kernel), ("initrd.img-", &root.initrd)] {
        let from = starting_with(&tree.join("boot"), name).map_err(failed("find the kernel in"))?;
        fs::copy(from, to).map_err(failed("copy the kernel into"))?;
    }
    let format = Tool::new("mkfs.ext4").args(["-q", "-d"]).arg(&tree).arg(&root.disk).arg(SIZE);
    run_logged(ctx, "make the virtual machine's disk", &format).await?;
    fs::remove_dir_all(&tree).map_err(failed("remove the files of the disk from"))?;
    // Last: without it the next run begins again.
    fs::write(&noted, recipe).map_err(failed("note the recipe in"))?;
    Ok(root)
}

fn folder_of(suite: &str) -> PathBuf {
    Path::new("target/kind/vm").join(suite)
}

/// Everything that the root file system is made of.
fn recipe(suite: &str) -> String {
    let files = guest::files().map(|file| format!("{}:\n{}", file.path, file.text));
    format!("{suite}, {SIZE}\n{}\n{}", PACKAGES.join("\n"), files.join("\n"))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    fs::write(path, text)
}

/// The file whose name begins so.
fn starting_with(folder: &Path, name: &str) -> io::Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(name) {
            return Ok(entry.path());
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("no {name}* in {}", folder.display())))
}
