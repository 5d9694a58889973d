//! The virtual machine's root file system, made of Debian's packages and kept until what goes into it changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{guest::Guest, run::VmError};
use crate::{
    context::Context,
    process::{Tool, run_logged},
};

/// The disk's size. What is not written takes no room.
const SIZE: &str = "16G";
/// How packages and files become a disk, below. Another way is another number.
const RECIPE: u32 = 1;

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

/// Has the root file system of that kind of machine.
pub(super) async fn root(ctx: &Context, guest: Guest) -> Result<Root, VmError> {
    let folder = ctx.workspace.virtual_machines().join(guest.name());
    let (suite, recipe) = (guest.suite, recipe(guest));
    if fs::read_to_string(folder.join("recipe")).is_ok_and(|found| found == recipe) {
        return Ok(Root::at(&folder));
    }
    let failed = |action| {
        let path = folder.clone();
        move |source| VmError::File { action, path, source }
    };
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed("remove what an earlier run left in"))?;
    }
    // It goes where it is not finished.
    let work = tempfile::tempdir_in(ctx.workspace.virtual_machines()).map_err(failed("make a folder beside"))?;
    let unfinished = work.path().join("unfinished");
    let tree = work.path().join("tree");
    fs::create_dir(&unfinished).map_err(failed("make a folder beside"))?;
    let mirrors =
        kind_images::debian_mirrors(Path::new("/etc/apt"), Path::new("/var/lib/apt/lists"), suite.name(), work.path());
    let bootstrap = Tool::new("mmdebstrap")
        .args(["--variant=essential".to_owned(), format!("--include={}", guest.packages().join(","))])
        .args(["doc", "man", "locale"].map(|folder| format!("--dpkgopt=path-exclude=/usr/share/{folder}/*")))
        .args([suite.name().to_owned(), tree.display().to_string()])
        .args(mirrors.map_err(failed("write the sources of"))?);
    run_logged(ctx, &format!("install {} for the virtual machine", guest.title()), &bootstrap).await?;
    for file in guest.files() {
        write(&tree.join(file.path), &file.text).map_err(failed("write files of the virtual machine for"))?;
    }
    let made = Root::at(&unfinished);
    for (name, to) in [("vmlinuz-", &made.kernel), ("initrd.img-", &made.initrd)] {
        let from = starting_with(&tree.join("boot"), name).map_err(failed("find the kernel of"))?;
        fs::copy(from, to).map_err(failed("copy the kernel of"))?;
    }
    let format = Tool::new("mkfs.ext4").args(["-q", "-d"]).arg(&tree).arg(&made.disk).arg(SIZE);
    run_logged(ctx, "make the virtual machine's disk", &format).await?;
    fs::write(unfinished.join("recipe"), recipe).map_err(failed("note the recipe of"))?;
    fs::rename(&unfinished, &folder).map_err(failed("put what was made into"))?;
    Ok(Root::at(&folder))
}

/// Everything that the root file system is made of.
fn recipe(guest: Guest) -> String {
    let files = guest.files().into_iter().map(|file| format!("{}:\n{}", file.path, file.text)).collect::<Vec<_>>();
    format!("{RECIPE}, {}, {SIZE}\n{}\n{}", guest.suite.name(), guest.packages().join("\n"), files.join("\n"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Suite;

    #[test]
    fn another_kind_of_machine_is_another_recipe() {
        let guest = |suite, rootless| recipe(Guest { suite, rootless });
        assert_ne!(guest(Suite::Bookworm, false), guest(Suite::Trixie, false));
        assert_ne!(guest(Suite::Trixie, true), guest(Suite::Trixie, false));
    }
}
