//! The state folder on disk: which file is where, how it comes and how it goes.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use kind_core::{access::Access, spec::Instance};

use super::{
    fitness,
    key::Key,
    lock::{Door, LockFile},
    order::Order,
    state::{self, Found, Report},
    step::step,
};

/// The folder of all states, `$XDG_STATE_HOME/kind-rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    path: PathBuf,
    identity: String,
}

/// The folder of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    path: PathBuf,
    key: Key,
}

impl Home {
    /// Opens it, and makes it where it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::prepare(path).map_err(|error| fitness::explain(path, error))
    }

    fn prepare(path: &Path) -> io::Result<Self> {
        create_private(path)?;
        fitness::check(path)?;
        create_private(&path.join("clusters"))?;
        let path = path.canonicalize()?;
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Opens it where it is there.
    pub(crate) fn existing(path: &Path) -> io::Result<Option<Self>> {
        let there = path.join("clusters").try_exists().map_err(|error| fitness::explain(path, error))?;
        if there { Self::open(path).map(Some) } else { Ok(None) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What every cluster of this state folder carries in a label: where its locks are, and a number that another
    /// machine's or container's folder at the same path does not have.
    pub(crate) fn identity(&self) -> String {
        format!("{}#{}", self.identity, self.path.display())
    }

    /// A cluster's folder, there or not.
    pub(crate) fn folder(&self, key: &Key) -> Folder {
        Folder { path: self.path.join("clusters").join(key.as_str()), key: key.clone() }
    }

    /// The locks of the templates of fresh clusters.
    pub(super) fn templates(&self) -> PathBuf {
        self.path.join("templates")
    }

    /// The places of clusters that come up.
    pub(super) fn gate(&self) -> PathBuf {
        self.path.join("gate")
    }

    /// All folders that are there.
    pub(crate) fn folders(&self) -> io::Result<Vec<Folder>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(self.path.join("clusters"))? {
            let name = entry?.file_name();
            folders.extend(name.to_str().and_then(Key::parse).map(|key| self.folder(&key)));
        }
        Ok(folders)
    }

    /// What removals that were killed half-way left.
    pub(super) fn trash(&self) -> io::Result<Vec<PathBuf>> {
        let mut trash = Vec::new();
        for entry in fs::read_dir(self.path.join("clusters"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TRASH) {
                trash.push(entry.path());
            }
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(DRAFT) {
                trash.push(entry.path());
            }
        }
        Ok(trash)
    }
}

/// Folders on their way out begin with this.
const TRASH: &str = "removed-";
/// An identity that is being written begins with this. Who loses its draft reads the other's.
const DRAFT: &str = "identity-";

/// A number that no other state folder has. Whoever comes first writes it.
fn identity(home: &Path) -> io::Result<String> {
    let path = home.join("identity");
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(text) if text.trim().is_empty() => return fill(&path),
        other => return other.map(|text| text.trim().to_owned()),
    }
    let random = random()?;
    let mut file = tempfile::Builder::new().prefix(DRAFT).tempfile_in(home)?;
    file.write_all(random.as_bytes())?;
    // A power cut after the renaming would leave an empty one.
    file.as_file().sync_all()?;
    step("drafted the identity");
    let kept = file.persist_noclobber(&path);
    step("wrote the identity");
    match kept {
        Ok(_) => Ok(random),
        Err(failed) if matches!(failed.error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            fs::read_to_string(&path).map(|text| text.trim().to_owned())
        }
        Err(failed) => Err(failed.error),
    }
}

fn random() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned())
}

/// Writes a number into an identity that a power cut left empty. Whoever has its lock first writes it.
fn fill(path: &Path) -> io::Result<String> {
    let mut file = fs::OpenOptions::new().read(true).append(true).open(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if text.trim().is_empty() {
        text = random()?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(text.trim().to_owned())
}

impl Folder {
    /// Takes a path that a keeper was given.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let key = Key::parse(path.file_name()?.to_str()?)?;
        Some(Self { path: path.to_owned(), key })
    }

    /// The folder of all states that this one is in.
    pub(crate) fn home(&self) -> io::Result<Home> {
        let home = self.path.parent().and_then(Path::parent).ok_or(io::ErrorKind::InvalidInput)?;
        Home::open(home)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    pub(crate) fn create(&self) -> io::Result<()> {
        create_private(&self.path.join("holders"))?;
        step("made a part of the folder");
        create_private(&self.path.join("waiting"))?;
        create_private(&self.path.join("failed"))?;
        step("made the folder");
        Ok(())
    }

    /// What the keeper prints and notes.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("keeper.log")
    }

    /// What the keeper warns of, one a line.
    pub(super) fn warnings(&self) -> PathBuf {
        self.path.join("warnings")
    }

    /// One file for each lease that is held.
    pub(super) fn holders(&self) -> PathBuf {
        self.path.join("holders")
    }

    /// One file for each test that has waited for a lease for a while.
    pub(super) fn waiting(&self) -> PathBuf {
        self.path.join("waiting")
    }

    /// One file for each failed test whose cluster is to stay.
    pub(super) fn failed(&self) -> PathBuf {
        self.path.join("failed")
    }

    /// There while a test has the cluster for itself, and until somebody comes after it.
    pub(super) fn claimed(&self) -> PathBuf {
        self.path.join("claimed")
    }

    /// There when the keeper must look at the cluster before it is used again.
    pub(super) fn unchecked(&self) -> PathBuf {
        self.path.join("unchecked")
    }

    /// There while the keeper looks at it.
    pub(super) fn looking(&self) -> PathBuf {
        self.path.join("looking")
    }

    /// The way to the users' lock.
    pub(super) fn door(&self, access: Access) -> io::Result<Door> {
        let turnstile = LockFile::open(&self.path.join("turn.lock"))?;
        let users = LockFile::open(&self.path.join("users.lock"))?;
        Ok(Door::new(turnstile, users, access))
    }

    /// The users' lock without the turnstile, for a keeper that never waits for it.
    pub(super) fn users(&self) -> io::Result<LockFile> {
        LockFile::open(&self.path.join("users.lock"))
    }

    /// The lock that a test holds, beside others, while it has the cluster itself and not only waits for it. Who has it
    /// exclusively removes a cluster under nobody, also where tests wait for the next one.
    pub(super) fn in_use(&self) -> io::Result<LockFile> {
        LockFile::open(&self.path.join("in-use.lock"))
    }

    /// The lock that a keeper holds as long as it lives.
    pub(super) fn keeper(&self) -> io::Result<LockFile> {
        LockFile::open(&self.path.join("keeper.lock"))
    }

    /// The lock of who starts a keeper, so that a crowd of tests starts one and not a crowd.
    pub(super) fn starting(&self) -> io::Result<LockFile> {
        LockFile::open(&self.path.join("starting.lock"))
    }

    /// Whether a keeper lives. A shared try: two who ask at once do not take each other for the keeper.
    pub(super) fn has_keeper(&self) -> io::Result<bool> {
        let lock = match self.keeper() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        Ok(!lock.try_shared()?)
    }

    /// When the cluster was last used, where anybody ever did.
    pub(super) fn last_use(&self) -> Option<SystemTime> {
        fs::metadata(self.path.join("users.lock")).ok()?.modified().ok()
    }

    pub(crate) fn report(&self) -> io::Result<Found<Report>> {
        state::read(&self.path.join("state.json"))
    }

    pub(super) fn write_report(&self, report: &Report) -> io::Result<()> {
        state::write(&self.path.join("state.json"), report)
    }

    pub(crate) fn order(&self) -> io::Result<Found<Order>> {
        state::read(&self.path.join("order.json"))
    }

    pub(super) fn write_order(&self, order: &Order) -> io::Result<()> {
        state::write(&self.path.join("order.json"), order)
    }

    /// Removes the folder: out of everybody's sight at once, then from the disk. Only for who holds the users' lock
    /// exclusively and the keeper's.
    pub(super) fn remove(&self) -> io::Result<()> {
        let trash = self.path.with_file_name(format!("{TRASH}{}-{}", self.key, unique()));
        ignore_missing(fs::rename(&self.path, &trash))?;
        step("moved the folder aside");
        ignore_missing(fs::remove_dir_all(&trash))?;
        step("removed the folder");
        Ok(())
    }
}

/// Makes a folder that only the user can enter, parents included.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A part of a name that nobody else uses, in whatever container or on whatever machine.
pub(super) fn unique() -> String {
    Instance::new().to_string()
}

/// Something that is to be gone and is already.
pub(super) fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_home_keeps_its_identity_and_another_has_another() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Home::open(one.path()).unwrap();
        assert_eq!(first, Home::open(one.path()).unwrap());
        assert_ne!(first.identity, Home::open(two.path()).unwrap().identity);
    }

    #[test]
    fn an_identity_that_a_power_cut_emptied_is_written_once_more() {
        let root = tempfile::tempdir().unwrap();
        let first = Home::open(root.path()).unwrap();
        fs::write(root.path().join("identity"), "").unwrap();
        let all = std::thread::scope(|scope| {
            let open = || Home::open(root.path()).unwrap().identity;
            let others: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            others.into_iter().map(|one| one.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
        });
        assert!(all.len() == 1 && !all.contains("") && !all.contains(&first.identity), "{all:?}");
    }

    #[test]
    fn a_folder_that_others_may_write_into_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Home::open(root.path()).unwrap_err().to_string().contains("chmod go-w"));
    }

    #[test]
    fn a_folder_is_private_and_goes_completely() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(root.path()).unwrap();
        let folder = home.folder(&Key::parse("0123456789").unwrap());
        assert!(!folder.exists() && !folder.has_keeper().unwrap());
        folder.create().unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(home.folders().unwrap(), std::slice::from_ref(&folder));
        let keeper = folder.keeper().unwrap();
        assert!(keeper.try_exclusive().unwrap());
        assert!(folder.has_keeper().unwrap());
        folder.remove().unwrap();
        assert_eq!(home.folders().unwrap(), []);
        assert!(!folder.exists() && !keeper.is_current());
    }

    #[test]
    fn names_within_a_folder_are_nobody_elses() {
        assert_ne!(unique(), unique());
    }

    #[test]
    fn trash_of_a_killed_removal_is_found() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(root.path()).unwrap();
        home.folder(&Key::parse("0123456789").unwrap()).create().unwrap();
        let trash = root.path().join("clusters/removed-0123456789-1");
        let draft = root.path().join("identity-x1y2z3");
        fs::create_dir(&trash).unwrap();
        fs::write(&draft, "").unwrap();
        assert_eq!(home.trash().unwrap(), [trash, draft]);
    }

    #[test]
    fn looking_for_a_home_makes_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Home::existing(root.path()).unwrap(), None);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        let made = Home::open(root.path()).unwrap();
        assert_eq!(Home::existing(root.path()).unwrap(), Some(made));
    }
}
