//! The virtual machine's second disk: programs of this workspace and the node image.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kind_engine::Engine;

use super::{
    guest::{ENVIRONMENT, IMAGE, KIND, TESTS},
    run::VmError,
};
use crate::{
    context::Context,
    process::{Tool, output_shown, program_of, run_logged},
    settings::TEST_IMAGE,
    setup::SetupError,
    tasks::cargo::cargo,
};

/// The disk's size. What is not written takes no room.
const SIZE: &str = "4G";
/// The source of the test program.
const SOURCE: &str = "harness/tests/live/main.rs";

/// Makes the disk in a folder that the caller removes.
pub(super) async fn payload(
    ctx: &Context,
    engine: &dyn Engine,
    image: &str,
    folder: &Path,
) -> Result<PathBuf, VmError> {
    let failed = |action| move |source| VmError::File { action, path: folder.to_owned(), source };
    let files = folder.join("files");
    fs::create_dir_all(&files).map_err(failed("make a folder in"))?;
    let build = ["test", "--no-run", "--workspace", "--message-format=json-render-diagnostics"];
    let printed = output_shown(ctx, &cargo(ctx).args(build)).await?;
    let tests = program_of(&printed, SOURCE).ok_or(VmError::NoTests { of: SOURCE })?;
    for (from, name) in [(ctx.workspace.program("kind-rs"), KIND), (tests, TESTS)] {
        fs::copy(from, files.join(name)).map_err(failed("copy a program into"))?;
    }
    fs::write(files.join(ENVIRONMENT), format!("{TEST_IMAGE}={image}\n"))
        .map_err(failed("write the environment into"))?;
    let step = ctx.ui.step("copy the node image");
    let (references, tar) = ([image.to_owned()], files.join(IMAGE));
    let save = engine.save_images(&references, &tar);
    ctx.interrupt.unless(save).await.map_err(SetupError::from)?.map_err(VmError::Engine)?;
    step.done();
    let disk = folder.join("payload.ext4");
    let format = Tool::new("mkfs.ext4").args(["-q", "-d"]).arg(&files).arg(&disk).arg(SIZE);
    run_logged(ctx, "make the disk with the node image", &format).await?;
    fs::remove_dir_all(&files).map_err(failed("remove the files of the disk from"))?;
    Ok(disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_there() {
        assert!(crate::context::test_context().workspace.root().join(SOURCE).exists());
    }
}
