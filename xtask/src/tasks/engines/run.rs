//! The task: roots are made, then each engine is started, tried and removed. One that fails does not keep the others.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::ValueEnum as _;
use kind_engine::{Engine as _, EngineError};
use nix::unistd::Uid;

use super::{
    confined::{self, Confined},
    root::root,
    trial,
};
use crate::{
    args::{EngineName, EnginesArgs},
    context::Context,
    interrupt::Interrupted,
    process::{ProcessError, run_shown},
    setup::{self, Prepared, SetupError},
    tasks::{
        ImageChoice, ImageError,
        cargo::{cargo, nextest_run},
        image,
    },
    wait::TimedOut,
};

/// An engine could not be had, or does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// Namespaces are made by root.
    #[error("start engines of their own: root is needed, for mounts and networks of their own")]
    NotRoot,
    /// This machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A program.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The engine refused something.
    #[error("use the engine")]
    Engine(#[source] EngineError),
    /// A file.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It does not answer.
    #[error("start the engine; its log: {}", log.display())]
    Silent {
        /// Its log.
        log: PathBuf,
        /// How long we waited.
        #[source]
        source: TimedOut,
    },
    /// It ended at once.
    #[error("start the engine: it ended at once; its log: {}", log.display())]
    Ended {
        /// Its log.
        log: PathBuf,
    },
    /// Its control groups stay.
    #[error("remove {}", path.display())]
    Groups {
        /// Where they are.
        path: PathBuf,
        /// What was seen.
        #[source]
        source: TimedOut,
    },
    /// Something stays on it.
    #[error("leave nothing behind")]
    Left(#[source] TimedOut),
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Some of them.
    #[error("pass on every engine; what failed:{}", summary.iter().fold(String::new(), |text, line| text + "\n  - " + line))]
    Failed {
        /// A line for each, with its causes.
        summary: Vec<String>,
    },
}

/// What every engine is given.
pub(super) struct Given<'a> {
    /// The node image.
    pub(super) image: &'a str,
    /// The same, in a file.
    pub(super) archive: &'a Path,
}

/// Tries these engines, or all.
///
/// # Errors
/// After all of them, with every one that failed; at once where the machine cannot be set up, or the user stops us.
pub async fn engines(ctx: &Context, arguments: EnginesArgs) -> Result<(), EnginesError> {
    if !Uid::effective().is_root() {
        return Err(EnginesError::NotRoot);
    }
    let prepared = setup::prepare(ctx).await?;
    setup::install_engine_tools(ctx, &prepared).await?;
    let choice = ImageChoice::new(arguments.image, ctx.settings.image.clone());
    let image = image::node_image(ctx, &prepared, choice).await?;
    ctx.ui.heading("Programs and tests");
    run_shown(ctx, &cargo(ctx).args(["build", "--workspace"])).await?;
    run_shown(ctx, &nextest_run(ctx, &prepared).args(["--workspace", "--no-run"])).await?;
    let folder = ctx.workspace.engines();
    let failed = |action| {
        let path = folder.clone();
        move |source| EnginesError::File { action, path, source }
    };
    fs::create_dir_all(&folder).map_err(failed("make"))?;
    confined::sweep(&folder).await?;
    let work = tempfile::tempdir_in(&folder).map_err(failed("make a folder in"))?;
    let archive = work.path().join("node-image.tar");
    let step = ctx.ui.step("copy the node image");
    let (references, engine) = ([image.clone()], &prepared.engine);
    let save = engine.save_images(&references, &archive);
    ctx.interrupt.unless(save).await?.map_err(EnginesError::Engine)?;
    step.done();
    let given = Given { image: &image, archive: &archive };
    let all = EngineName::value_variants().to_vec();
    let names = if arguments.names.is_empty() { all } else { arguments.names };
    let mut summary = Vec::new();
    for name in names {
        ctx.ui.heading(&format!("Engine {}", name.text()));
        match one(ctx, &prepared, name, &given).await {
            Err(error) if ctx.interrupt.check().is_err() => return Err(error),
            Err(error) => {
                let line = format!("{}: failed to {}", name.text(), crate::tasks::test::with_causes(&error));
                eprintln!("\n{line}");
                summary.push(line);
            }
            Ok(()) => {}
        }
    }
    if summary.is_empty() { Ok(()) } else { Err(EnginesError::Failed { summary }) }
}

/// One engine from its start to its end, which comes in any case.
async fn one(ctx: &Context, prepared: &Prepared, name: EngineName, given: &Given<'_>) -> Result<(), EnginesError> {
    let root = root(ctx, name.suite()).await?;
    let mut confined = Confined::start(ctx, name, &root)?;
    let tried = tried(ctx, prepared, name, &mut confined, given).await;
    let ended = confined.end().await;
    tried.and(ended)
}

async fn tried(
    ctx: &Context,
    prepared: &Prepared,
    name: EngineName,
    confined: &mut Confined,
    given: &Given<'_>,
) -> Result<(), EnginesError> {
    let step = ctx.ui.step(format!("{}: wait for its answer", name.text()));
    let engine = confined.answer(ctx, name).await?;
    step.done();
    let facts = engine.facts().await.map_err(EnginesError::Engine)?;
    ctx.ui.line(&format!("{} {}, {}", facts.product, facts.version, facts.storage_driver));
    trial::try_all(ctx, prepared, name, confined, &engine, given).await
}
