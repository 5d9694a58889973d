//! Starting a keeper: this very program once more, detached from the test that starts it.
//!
//! What the keeper does then is in `keeper`.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use kind_engine::{DockerEngine, EngineError};

use super::{
    detached::{Detached, start_detached},
    folder::Folder,
};
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
        let started = start_detached(&Detached {
            name: "kind-harness-keeper",
            variable: settings::KEEPER,
            value: folder.path(),
            log: &folder.log(),
            test: &self.test,
        })?;
        Ok(Box::new(Process { ended: started.watch()? }))
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
pub(crate) fn libtest_name(of_nextest: Option<&str>, otherwise: &str) -> String {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main" && !name.starts_with("tokio-runtime-worker"));
    name.or(of_nextest).unwrap_or(otherwise).to_owned()
}
