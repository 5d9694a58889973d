//! The parts of `kind-bench share` in their order, in a state folder of its own.

use anyhow::Context as _;
use kind_core::settings::Settings;
use kind_engine::{DockerEngine, Engine as _};

use super::{bodies, kills, leases, programs::Programs, spawn::Scene};
use crate::{args::ShareArgs, create::machine};

/// Measures, and prints.
///
/// # Errors
/// When a test program cannot be built, a test fails, or something is left behind.
pub async fn run(arguments: ShareArgs) -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let engine = DockerEngine::find(&settings.engine).await?;
    let programs = Programs::build(arguments.release).await?;
    let folder = tempfile::tempdir().context("make a folder")?;
    println!("{}, {} build", machine(&engine.facts().await?), if arguments.release { "release" } else { "debug" });
    {
        let scene = Scene::new(&programs, folder.path(), "figures")?;
        eprintln!("making the cluster");
        let cluster = scene.kubeconfig().await?;
        if arguments.queued > 0 {
            leases::measure(&scene, arguments.queued, arguments.at_once).await?;
        }
        if arguments.tests > 0 {
            bodies::measure(&scene, &cluster, arguments.tests, arguments.at_once, arguments.runs).await?;
        }
    }
    if arguments.kills > 0 {
        kills::count(&programs, &engine, arguments.kills, arguments.seed).await?;
    }
    Ok(())
}
