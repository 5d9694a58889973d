//! Starting a keeper: this very program once more, detached from the test that starts it.
//!
//! What the keeper does then is in `keeper`.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use kind_core::{
    detached::{Detached, start_detached},
    settings,
};
use kind_engine::{DockerEngine, EngineAddress, EngineError};

use super::{before_main, folder::Folder};

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

/// Runs the test's own program again, which then sees that it is to be a keeper before it does anything else.
pub(super) struct Reexecution {
    /// The engine.
    pub(super) engine: EngineAddress,
}

#[async_trait(?Send)]
impl Starter for Reexecution {
    async fn check(&self) -> Result<(), EngineError> {
        DockerEngine::connect(&self.engine).await.map(drop)
    }

    fn start(&self, folder: &Folder) -> io::Result<Box<dyn Started>> {
        before_main::link();
        let started = start_detached(&Detached {
            name: "kind-harness-keeper",
            variable: settings::KEEPER,
            value: folder.path(),
            log: &folder.log(),
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
