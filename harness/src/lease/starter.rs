//! Starting a keeper: this very program once more, detached from the test that starts it.
//!
//! What the keeper does then is in `keeper`.

use std::{
    fs::OpenOptions,
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    process::{Command, Stdio},
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use kind_engine::{DockerEngine, EngineError};

use super::folder::Folder;
use crate::settings;

/// How a keeper comes into being.
#[async_trait(?Send)]
pub(super) trait Starter {
    /// Whether there is an engine for it to work with.
    async fn check(&self) -> Result<(), EngineError>;

    /// Starts one for a folder that holds an order.
    fn start(&self, folder: &Folder) -> io::Result<Box<dyn Started>>;
}

/// A keeper that was started by this process.
pub(super) trait Started {
    /// How it ended, once it has.
    fn ended(&self) -> Option<String>;
}

/// Runs the test's own program again, as the test's own harness would run the very same test. The test's entry then
/// sees that it is to be a keeper.
pub(super) struct Reexecution {
    /// The engine's address.
    pub(super) engine: Option<String>,
    /// The name by which the program knows the test.
    pub(super) test: String,
}

#[async_trait(?Send)]
impl Starter for Reexecution {
    async fn check(&self) -> Result<(), EngineError> {
        DockerEngine::connect(self.engine.as_deref()).await.map(drop)
    }

    fn start(&self, folder: &Folder) -> io::Result<Box<dyn Started>> {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.log())?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("kind-harness-keeper")
            .args(["--exact", &self.test, "--nocapture", "--include-ignored"])
            .env(settings::KEEPER, folder.path())
            // The test's folder may be a temporary one.
            .current_dir("/")
            // Nothing of the runner's stays open, so that it neither waits for the keeper nor calls it a leak.
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for name in settings::OF_ONE_TEST {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        let ended = Arc::new(OnceLock::new());
        let status = Arc::clone(&ended);
        // A thread of its own waits for it, so that it never stays as a zombie while the test runs.
        std::thread::Builder::new().name("keeper's end".to_owned()).spawn(move || {
            let text = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            // Nobody else sets it.
            let _ = status.set(text);
        })?;
        Ok(Box::new(Process { ended }))
    }
}

struct Process {
    ended: Arc<OnceLock<String>>,
}

impl Started for Process {
    fn ended(&self) -> Option<String> {
        self.ended.get().cloned()
    }
}

/// The name by which libtest knows the test of this thread: it runs each in a thread of that name.
pub(super) fn libtest_name(of_nextest: Option<&str>, otherwise: &str) -> String {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main" && !name.starts_with("tokio-runtime-worker"));
    name.or(of_nextest).unwrap_or(otherwise).to_owned()
}
