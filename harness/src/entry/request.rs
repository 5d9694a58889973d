//! What the attribute knows about a test: plain data, made by the expansion of `#[kind_test]`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kind_core::{
    access::Access,
    activity::{self, Activity},
    config_file,
    spec::ClusterSpec,
};

use super::{
    error::EntryError,
    prepare::{Prepare, Prepared},
};

/// Where a test stands in the source.
#[derive(Debug, Clone, Copy)]
pub struct TestMeta {
    /// The package.
    pub package: &'static str,
    /// The package's folder when the test was compiled.
    pub manifest_dir: &'static str,
    /// The module's path, which begins with the test binary's crate.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
}

/// What a test asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How many control planes; `None` for the default shape's.
    pub control_planes: Option<usize>,
    /// How many workers; `None` for the default shape's.
    pub workers: Option<usize>,
    /// A configuration file, relative to the package.
    pub config: Option<&'static str>,
    /// A function that makes the specification.
    pub cluster: Option<fn() -> ClusterSpec>,
    /// How the cluster is used.
    pub access: Access,
    /// What is done in a new cluster before fresh ones are made of it.
    pub prepare: Option<Prepare>,
    /// How long the body may take.
    pub timeout: Option<Duration>,
    /// What the body runs on.
    pub runtime: Runtime,
    /// The test is to panic, with this text in the panic's message.
    pub should_panic: Option<&'static str>,
}

/// The cluster that a test wants.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What it is to look like.
    pub(super) spec: ClusterSpec,
    /// Whether the attribute says so; otherwise any cluster will do.
    pub(super) is_asked_for: bool,
    /// What it has in it, where it is a fresh one.
    pub(super) prepared: Option<Prepared>,
}

/// The Tokio runtime of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// The thread that the test runs on.
    CurrentThread,
    /// A pool of threads.
    MultiThread {
        /// How many; `None` for as many as there are processors.
        worker_threads: Option<usize>,
    },
}

impl Request {
    /// What an attribute without arguments asks for.
    pub const DEFAULT: Self = Self {
        control_planes: None,
        workers: None,
        config: None,
        cluster: None,
        access: Access::Shared,
        prepare: None,
        timeout: None,
        runtime: Runtime::CurrentThread,
        should_panic: None,
    };

    /// What the cluster is to look like, and what a preparation, which may take so long, depends on. Files are read.
    pub(super) fn wanted(&self, meta: &TestMeta, limit: Duration) -> Result<Wanted, EntryError> {
        let mut spec = match (self.config, self.cluster) {
            (Some(file), _) => {
                config_file::load(&find(file, meta)).map_err(|source| EntryError::Config { file, source })?
            }
            (None, Some(make)) => make(),
            (None, None) => ClusterSpec::default(),
        };
        if let Some(count) = self.control_planes {
            spec = spec.control_planes(count);
        }
        if let Some(count) = self.workers {
            spec = spec.workers(count);
        }
        spec.validate().map_err(|errors| EntryError::Spec { errors })?;
        let counts = self.control_planes.or(self.workers);
        let is_asked_for = self.config.is_some() || self.cluster.is_some() || counts.is_some();
        let prepared = self.prepare.map(|prepare| prepare.look(meta, limit)).transpose()?;
        Ok(Wanted { spec, is_asked_for, prepared })
    }

    /// Whether the test gets a namespace of its own.
    pub(super) fn has_namespace(&self) -> bool {
        self.access != Access::Read
    }
}

impl Runtime {
    /// Builds it. What its threads do belongs to the test.
    pub(super) fn build(self, activity: &Arc<Activity>) -> Result<tokio::runtime::Runtime, EntryError> {
        let mut builder = match self {
            Self::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Self::MultiThread { .. } => tokio::runtime::Builder::new_multi_thread(),
        };
        if let Self::MultiThread { worker_threads: Some(count) } = self {
            builder.worker_threads(count);
        }
        let activity = Arc::clone(activity);
        builder.on_thread_start(move || activity::belong(&activity));
        builder.enable_all().build().map_err(|source| EntryError::Runtime { source })
    }
}

/// The file below the package, which is where cargo and nextest start tests; an archived test binary finds it there even
/// though the folder that it was compiled in is gone.
pub(super) fn find(file: &str, meta: &TestMeta) -> PathBuf {
    let compiled = Path::new(meta.manifest_dir).join(file);
    if !compiled.exists() && Path::new(file).exists() { PathBuf::from(file) } else { compiled }
}
