//! Which folders are whose: the user's for states and caches, and cargo's for what tests leave.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{Uid, User, geteuid};

use super::parse::Reader;

/// Who runs this process, whatever the variables say.
pub(super) struct Account {
    user: Uid,
    home: Option<PathBuf>,
}

impl Account {
    pub(super) fn current() -> Self {
        let user = geteuid();
        let entry = User::from_uid(user).ok().flatten();
        Self { user, home: entry.map(|entry| entry.dir).filter(|home| home.is_absolute()) }
    }

    /// A folder of the user's for one purpose, below the variable's or the home. With `sudo` the variables may be those
    /// of somebody else, who could not use what root makes there: then it is below the account's own home.
    fn folder(&self, variable: Option<PathBuf>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
        let own = || self.home.as_deref().map(|home| home.join(below_home));
        let named = variable.filter(|path| path.is_absolute()).or_else(|| home.map(|home| home.join(below_home)));
        let folder = named.filter(|path| !self.is_of_somebody_else(path)).or_else(own)?;
        Some(folder.join("kind-rs"))
    }

    fn is_of_somebody_else(&self, path: &Path) -> bool {
        let owner = path.ancestors().find_map(|path| fs::metadata(path).ok()).map(|facts| facts.uid());
        owner.is_some_and(|owner| owner != self.user.as_raw() && owner != 0)
    }
}

/// Where clusters' states are; `None` without a home.
pub(super) fn state(read: &Reader<'_>, home: Option<&Path>, account: &Account) -> Option<PathBuf> {
    let named = read.path("KIND_TEST_STATE_DIR");
    let folder = named.or_else(|| account.folder(read.path("XDG_STATE_HOME"), home, ".local/state"))?;
    Some(std::path::absolute(&folder).unwrap_or(folder))
}

/// Where builds keep their results; `None` without a home.
pub(super) fn cache(read: &Reader<'_>, home: Option<&Path>, account: &Account) -> Option<PathBuf> {
    account.folder(read.path("XDG_CACHE_HOME"), home, ".cache")
}

/// Cargo's target folder: the one that the running test binary is in, else as a variable has it.
pub(super) fn target(read: &Reader<'_>, program: Option<&Path>) -> PathBuf {
    // Cargo itself may have been told by an argument, a variable or its configuration; a relative variable counts from
    // its folder and not from the test's.
    let of_test = program.and_then(target_of_test);
    of_test.or_else(|| read.path("CARGO_TARGET_DIR")).unwrap_or_else(|| PathBuf::from("target"))
}

/// Test binaries are in `TARGET/PROFILE/deps` or `TARGET/TRIPLE/PROFILE/deps`; other programs may be anywhere.
fn target_of_test(program: &Path) -> Option<PathBuf> {
    let deps = program.parent().filter(|folder| folder.ends_with("deps"))?;
    let above = || deps.ancestors().skip(1);
    let with_mark = above().find(|folder| folder.join(".rustc_info.json").is_file());
    // In an archive that was unpacked on another machine cargo's file is missing.
    let named = || above().find(|folder| folder.ends_with("target"));
    with_mark.or_else(named).or_else(|| deps.parent()?.parent()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn account(user: Uid) -> Account {
        Account { user, home: Some(PathBuf::from("/account")) }
    }

    #[test]
    fn what_is_made_is_never_in_somebody_else_s_home() {
        let home = tempfile::tempdir().unwrap();
        let owner = Uid::from_raw(fs::metadata(home.path()).unwrap().uid());
        let lookup = |name: &str| (name == "XDG_CACHE_HOME").then(|| OsString::from(home.path().join("cache/of/mine")));
        let read = Reader(&lookup);
        let own = account(owner);
        assert_eq!(state(&read, Some(home.path()), &own).unwrap(), home.path().join(".local/state/kind-rs"));
        assert_eq!(cache(&read, Some(home.path()), &own).unwrap(), home.path().join("cache/of/mine/kind-rs"));
        if !owner.is_root() {
            let other = account(Uid::from_raw(owner.as_raw() + 1));
            assert_eq!(state(&read, Some(home.path()), &other).unwrap(), Path::new("/account/.local/state/kind-rs"));
            assert_eq!(cache(&read, Some(home.path()), &other).unwrap(), Path::new("/account/.cache/kind-rs"));
        }
        // What is root's is a place for everybody, such as `/tmp`, or one that nobody can use.
        let other = account(Uid::from_raw(4711));
        assert_eq!(state(&read, Some(Path::new("/")), &other).unwrap(), Path::new("/.local/state/kind-rs"));
    }

    #[test]
    fn with_sudo_the_home_of_the_user_is_left_alone() {
        if !geteuid().is_root() {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        nix::unistd::chown(home.path(), Some(Uid::from_raw(4711)), None).unwrap();
        let nothing = |_: &str| None;
        let read = Reader(&nothing);
        let root = account(Uid::from_raw(0));
        assert_eq!(state(&read, Some(home.path()), &root).unwrap(), Path::new("/account/.local/state/kind-rs"));
    }

    #[test]
    fn without_a_variable_the_account_has_a_home() {
        let nothing = |_: &str| None;
        let read = Reader(&nothing);
        assert_eq!(cache(&read, None, &account(Uid::from_raw(1))).unwrap(), Path::new("/account/.cache/kind-rs"));
        let homeless = Account { user: Uid::from_raw(1), home: None };
        assert_eq!((state(&read, None, &homeless), cache(&read, None, &homeless)), (None, None));
    }

    #[test]
    fn the_target_folder_is_the_one_that_the_test_is_in() {
        let root = tempfile::tempdir().unwrap();
        let lookup = |name: &str| (name == "CARGO_TARGET_DIR").then(|| OsString::from("of-the-variable"));
        let of = |program: &str| target(&Reader(&lookup), Some(&root.path().join(program)));
        let (plain, triple) = ("out/debug/deps/smoke-1", "out/x86_64-unknown-linux-gnu/release/deps/smoke-1");
        assert_eq!(of(plain), root.path().join("out"));
        fs::create_dir_all(root.path().join("out")).unwrap();
        fs::write(root.path().join("out/.rustc_info.json"), "").unwrap();
        assert_eq!((of(plain), of(triple)), (root.path().join("out"), root.path().join("out")));
        assert_eq!(of("target/x86_64-unknown-linux-gnu/release/deps/smoke-1"), root.path().join("target"));
        // An installed program, or one that lies in some checkout's folder, says nothing of where it is called.
        assert_eq!(of("out/release/kind-rs"), Path::new("of-the-variable"));
        assert_eq!(target(&Reader(&|_| None), None), Path::new("target"));
    }
}
