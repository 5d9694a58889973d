//! The test runner: one that is installed already where it is new enough, else one built from its crate.

use super::version::numbers;
use crate::{
    context::Context,
    process::{ProcessError, Tool, find_program, output, run_logged},
};

/// The crate.
pub(super) const CRATE: &str = "cargo-nextest";
/// The version that this workspace is tested with.
const VERSION: &str = "0.9.151";
/// The oldest that reads this workspace's configuration, as that says itself.
const OLDEST: [u32; 3] = [0, 9, 115];

/// Whether there is one that is new enough.
pub(super) async fn is_there(ctx: &Context) -> bool {
    let Some(program) = find_program(&ctx.settings.path, CRATE) else { return false };
    output(&Tool::new(program).args(["nextest", "--version"])).await.is_ok_and(|text| is_new_enough(&text))
}

/// Builds and installs the test runner beside cargo.
pub(super) async fn install(ctx: &Context) -> Result<(), ProcessError> {
    let cargo = Tool::new(&ctx.settings.cargo)
        .args(["install", CRATE, "--locked", "--version", VERSION])
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
    fn the_oldest_is_the_configurations() {
        let configuration = include_str!("../../../.config/nextest.toml");
        let [major, minor, patch] = OLDEST;
        assert!(configuration.contains(&format!("nextest-version = \"{major}.{minor}.{patch}\"\n")));
    }
}
