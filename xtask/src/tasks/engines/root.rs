//! The root file system of a release's engines, made of Debian's packages and kept until its list of packages changes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{kinds::packages, run::EnginesError};
use crate::{
    context::Context,
    process::{Tool, run_logged},
};

/// How packages become a root, below. Another way is another number.
const RECIPE: u32 = 1;

/// Has the root of that release.
pub(super) async fn root(ctx: &Context, suite: &str) -> Result<PathBuf, EnginesError> {
    let folder = ctx.workspace.engines().join(suite);
    let (recipe, made) = (recipe(suite), folder.join("root"));
    if fs::read_to_string(folder.join("recipe")).is_ok_and(|found| found == recipe) {
        return Ok(made);
    }
    let failed = |action| {
        let path = folder.clone();
        move |source| EnginesError::File { action, path, source }
    };
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed("remove what an earlier run left in"))?;
    }
    // It goes where it is not finished.
    let work = tempfile::tempdir_in(ctx.workspace.engines()).map_err(failed("make a folder beside"))?;
    let unfinished = work.path().join("unfinished");
    fs::create_dir(&unfinished).map_err(failed("make a folder beside"))?;
    let mirrors =
        kind_images::debian_mirrors(Path::new("/etc/apt"), Path::new("/var/lib/apt/lists"), suite, work.path());
    let bootstrap = Tool::new("mmdebstrap")
        .args(["--variant=minbase".to_owned(), format!("--include={}", packages(suite).join(","))])
        // The newest release's lists are only good for days, and a mirror may be a copy.
        .args(["--aptopt=Acquire::Check-Valid-Until \"false\""])
        .args(["doc", "man", "locale"].map(|folder| format!("--dpkgopt=path-exclude=/usr/share/{folder}/*")))
        .args([suite.to_owned(), unfinished.join("root").display().to_string()])
        .args(mirrors.map_err(failed("write the sources of"))?);
    run_logged(ctx, &format!("install the engines of Debian {suite} in a root of their own"), &bootstrap).await?;
    fs::write(unfinished.join("recipe"), recipe).map_err(failed("note the recipe of"))?;
    fs::rename(&unfinished, &folder).map_err(failed("put what was made into"))?;
    Ok(made)
}

/// Everything that the root is made of.
fn recipe(suite: &str) -> String {
    format!("{RECIPE}, {suite}\n{}\n", packages(suite).join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_release_is_another_recipe() {
        assert_ne!(recipe("bookworm"), recipe("trixie"));
        assert_ne!(recipe("trixie"), recipe("sid"));
    }
}
