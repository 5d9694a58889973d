//! One engine that runs in a root and in namespaces of its own, and everything of it on this machine: its processes, its
//! control groups and one folder. All of that goes by the folder's name and lock, whoever was killed meanwhile: processes
//! die with us, and what else an earlier run left is removed by the next one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use kind_engine::{DockerEngine, EngineChoice};
use tempfile::TempDir;

use super::{
    kinds::{DOCKER_CONFIGURATION, SOCKET},
    run::EnginesError,
};
use crate::{
    args::EngineName,
    context::Context,
    process::{Beside, Tool},
    wait::{self, Look},
};

/// How the folders and the control groups of engines are called.
const PREFIX: &str = "kind-rs-engine-";
/// A file that is locked for as long as the folder is in use.
const LOCK: &str = "lock";
const SCRIPT: &str = include_str!("start.sh");
/// How long an engine may take from its start to its first answer.
const START: Duration = Duration::from_secs(60);
/// How long it has to end its containers.
const GRACE: Duration = Duration::from_secs(20);
/// How long the kernel may take to forget killed processes.
const SETTLED: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

/// An engine that runs.
pub(super) struct Confined {
    folder: TempDir,
    // Given back with the folder.
    _lock: fs::File,
    process: Beside,
}

impl Confined {
    /// Starts the engine in that root. It may not answer yet.
    pub(super) fn start(ctx: &Context, name: EngineName, root: &Path) -> Result<Self, EnginesError> {
        let all = ctx.workspace.engines();
        let failed = |action| {
            let path = all.clone();
            move |source| EnginesError::File { action, path, source }
        };
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&all).map_err(failed("make a folder in"))?;
        let at = |name: &str| folder.path().join(name);
        let lock = fs::File::create(at(LOCK)).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(failed("lock a folder in"))?;
        for made in ["mounts", "shared", "data/docker", "data/containers"] {
            fs::create_dir_all(at(made)).map_err(failed("make a folder in"))?;
        }
        let configuration = at("shared").join(DOCKER_CONFIGURATION);
        for (path, text) in [(at("start.sh"), SCRIPT), (configuration, &name.docker_configuration())] {
            fs::write(path, text).map_err(failed("write the engine's files in"))?;
        }
        // Who started it may be killed: then it is, too, and with the first process of its own all others.
        let tool = Tool::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL"])
            .args(["--propagation", "private", "--", "sh"])
            .arg(at("start.sh"))
            .arg(root)
            .arg(folder.path())
            .arg(cgroup_of(folder.path()))
            .args(name.command());
        let process = Beside::start(&tool, &log(ctx, name))?;
        Ok(Self { folder, _lock: lock, process })
    }

    /// A place for what belongs to this run of the engine.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The engine's address.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("shared").join(SOCKET).display())
    }

    /// Waits for its first answer.
    pub(super) async fn answer(&mut self, ctx: &Context, name: EngineName) -> Result<DockerEngine, EnginesError> {
        let choice = EngineChoice { docker_host: Some(self.address()), ..EngineChoice::default() };
        let process = &mut self.process;
        let wait = wait::until("an answer of the engine", LOOK, START, || {
            let has_ended = process.has_ended();
            let asked = DockerEngine::find(&choice);
            async move {
                match asked.await {
                    Ok(engine) => Look::Done(Some(engine)),
                    Err(_) if has_ended => Look::Done(None),
                    Err(error) => Look::NotYet(error.to_string()),
                }
            }
        });
        let answer = ctx.interrupt.unless(wait).await?;
        let silent = |source| EnginesError::Silent { log: log(ctx, name), source };
        answer.map_err(silent)?.ok_or_else(|| EnginesError::Ended { log: log(ctx, name) })
    }

    /// Ends it and removes everything of it.
    pub(super) async fn end(self) -> Result<(), EnginesError> {
        self.process.end(GRACE).await;
        let path = self.folder.path().to_owned();
        remove_cgroups(&cgroup_of(&path)).await?;
        self.folder.close().map_err(|source| EnginesError::File { action: "remove", path, source })
    }
}

/// Where the engine's output is.
pub(super) fn log(ctx: &Context, name: EngineName) -> PathBuf {
    ctx.workspace.logs().join(format!("engine-{}.log", name.text()))
}

/// Removes what engines left whose starter was killed.
pub(super) async fn sweep(folder: &Path) -> Result<(), EnginesError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EnginesError::File { action: "remove what was left in", path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let is_one = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        // Locked: another run of this command is using it.
        let is_free = || fs::File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_one && is_free() {
            remove_cgroups(&cgroup_of(&path)).await?;
            fs::remove_dir_all(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// A folder's name is unlike any other's, and so is its control groups'.
fn cgroup_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

async fn remove_cgroups(name: &str) -> Result<(), EnginesError> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for folder in cgroup_folders(&mounts) {
        let path = folder.join(name);
        let look = async || match remove_empty(&path) {
            Ok(()) => Look::Done(()),
            Err(error) => Look::NotYet(error.to_string()),
        };
        wait::until("an engine's control groups to be empty", LOOK, SETTLED, look)
            .await
            .map_err(|source| EnginesError::Groups { path: path.clone(), source })?;
    }
    Ok(())
}

/// Where control groups are mounted.
fn cgroup_folders(mounts: &str) -> Vec<PathBuf> {
    let of_line = |line: &str| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [_, folder, "cgroup" | "cgroup2", ..] => Some(PathBuf::from(folder)),
        _ => None,
    };
    mounts.lines().filter_map(of_line).collect()
}

/// Removes a folder of folders. Files in control groups are the kernel's and go with them.
fn remove_empty(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty(&entry.path())?;
        }
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_groups_are_found_where_they_are_mounted() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(
            cgroup_folders(mounts),
            [Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup/unified")].map(Path::to_owned)
        );
    }

    #[tokio::test]
    async fn only_what_nobody_uses_is_swept() {
        let all = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = all.path().join(name);
            fs::create_dir_all(folder.join("data")).unwrap();
            (folder.clone(), fs::File::create(folder.join(LOCK)).unwrap())
        };
        let (used, lock) = make("kind-rs-engine-used");
        lock.lock().unwrap();
        let (left, _) = make("kind-rs-engine-left");
        let (root, _) = make("sid");
        sweep(all.path()).await.unwrap();
        assert_eq!([&used, &left, &root].map(|folder| folder.exists()), [true, false, true]);
    }

    #[test]
    fn a_folder_of_folders_goes_and_one_with_files_stays() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("a");
        fs::create_dir_all(tree.join("b/c")).unwrap();
        remove_empty(&tree).unwrap();
        remove_empty(&tree).unwrap();
        assert!(!tree.exists());
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("file"), "").unwrap();
        assert!(remove_empty(&tree).is_err());
    }
}
