//! The images of the examples: what is in each.

use std::path::Path;

use anyhow::ensure;
use kind_harness::Image;

/// The guestbook from the program that Cargo has just built. `/version` says that version: another one is another image.
pub fn guestbook(program: &str, version: &str) -> Image {
    Image::from_binary(program).env("VERSION", version)
}

/// Redis from the distribution's packages, with their own libraries.
///
/// # Errors
/// When `cargo xtask setup` has not unpacked the packages below `target`, Cargo's target folder.
pub fn redis(target: &Path) -> anyhow::Result<Image> {
    let packages = target.join("kind/packages/redis");
    ensure!(packages.is_dir(), "the packages of Redis are not in {}: run `cargo xtask setup`", packages.display());
    // Debian's /usr/bin/redis-server is a link to this file, which looks at the name it is called by.
    let image = Image::from_binary(packages.join("usr/bin/redis-check-rdb")).root(&packages);
    // Reached by other pods: by default Redis answers its own machine only.
    let arguments = ["--dir", "/data", "--protected-mode", "no"];
    Ok(image.name("redis").path("/usr/bin/redis-server").args(arguments).folder("/data", 0o777))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_packages_say_what_to_run() {
        let target = tempfile::tempdir().unwrap();
        let error = redis(target.path()).unwrap_err().to_string();
        assert!(error.ends_with("run `cargo xtask setup`"), "{error}");
    }
}
