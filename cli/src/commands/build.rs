//! `kind-rs build`: the base image, the node image, and the conformance suite with its node image.

use kind_images::{BuildOptions, Release, build, build_base, conformance};

use crate::{args::Build, failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>, what: Build) -> Result<(), Failure> {
    let cache = session.settings.cache_dir.as_deref().ok_or(Failure::NoHome)?.join("images");
    let mut options = BuildOptions::new(cache);
    if let Build::NodeImage { version: Some(version) } = &what {
        options.release = Release::find(version)?;
    }
    let engine = session.engine().await?;
    let steps = session.console.steps();
    let reference = match what {
        Build::BaseImage => build_base(&*engine, &options, &steps).await?,
        Build::NodeImage { .. } => build(&*engine, &options, &steps).await?,
        Build::Conformance => conformance::build(&*engine, &options, &steps).await?.image,
    };
    drop(steps);
    print(&reference)
}
