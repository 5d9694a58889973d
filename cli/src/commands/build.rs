//! `kind-rs build`: the base image, the node image, and the conformance suite with its node image.

use std::path::Path;

use kind_images::{
    BuildError, BuildOptions, Release, Source, SourceError, base_image_reference, build, build_base, conformance,
    node_image_reference,
};

use crate::{
    args::{BaseImage, Build, ConformanceImage, NodeImage},
    commands::conformance::catalog,
    failure::Failure,
    output::print,
    session::Session,
    signals::Signals,
};

pub(crate) async fn run(session: &Session<'_>, what: Build) -> Result<(), Failure> {
    let cache = session.settings.cache_dir.as_deref().ok_or(Failure::NoHome)?.join("images");
    let docker_client = session.settings.docker_client.folder().map(Path::to_owned);
    let options = BuildOptions { docker_client, ..BuildOptions::new(cache) };
    // What is wrong with the arguments is said before an engine is asked.
    let (Build::NodeImage(NodeImage { how, .. })
    | Build::BaseImage(BaseImage { how, .. })
    | Build::Conformance(ConformanceImage { how, .. })) = &what;
    let options = BuildOptions { rebuild: how.rebuild, debian_mirror: how.debian_mirror.clone(), ..options };
    let options = match &what {
        Build::NodeImage(arguments) => chosen(options, arguments)?,
        Build::Conformance(ConformanceImage { version: Some(version), .. }) => {
            BuildOptions { release: catalog(Some(version))?.release(), ..options }
        }
        Build::BaseImage(_) | Build::Conformance(_) => options,
    };
    if how.print_reference {
        return print(&reference(&what, &options)?);
    }
    let engine = session.engine().await?;
    let steps = session.console.steps();
    let work = async {
        Ok(match what {
            Build::BaseImage(arguments) => (build_base(&*engine, &options, &steps).await?, arguments.image),
            Build::NodeImage(arguments) => (build(&*engine, &options, &steps).await?, arguments.image),
            Build::Conformance(_) => (conformance::build(&*engine, &options, &steps).await?.image, None),
        })
    };
    let (reference, name) = until_signalled(session, &options, work).await?;
    drop(steps);
    if let Some(name) = &name {
        engine.tag_image(&reference, name).await?;
    }
    print(&name.unwrap_or(reference))
}

/// What the image would be called, where that follows from what is known before a build.
fn reference(what: &Build, options: &BuildOptions) -> Result<String, Failure> {
    match what {
        Build::BaseImage(_) => Ok(base_image_reference(options.release)),
        Build::NodeImage(_) if matches!(options.source, Source::Module) && options.base_image.is_none() => {
            Ok(node_image_reference(options.release))
        }
        Build::NodeImage(_) => {
            Err(Failure::NoReference { what: "a node image with programs or a base image from elsewhere" })
        }
        Build::Conformance(_) => conformance::image_reference(options.release)
            .ok_or(Failure::NoReference { what: "a conformance suite that is not offered" }),
    }
}

/// A signal stops the build, which removes its containers then; a second one does not wait for that.
async fn until_signalled<T>(
    session: &Session<'_>,
    options: &BuildOptions,
    work: impl Future<Output = Result<T, BuildError>>,
) -> Result<T, Failure> {
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let mut work = Box::pin(work);
    let signal = tokio::select! {
        made = &mut work => return Ok(made?),
        signal = signals.next() => signal,
    };
    session.console.note(&format!("{signal}: stopping the build; a second signal does not wait for that"));
    options.stop.cancel();
    tokio::select! {
        made = work => made.map_err(|error| match error {
            BuildError::Stopped { .. } => Failure::BuildStopped { signal, outcome: "what was finished is kept" },
            other => other.into(),
        }),
        _ = signals.next() => {
            let outcome = "its container may be left, which the next build removes; what was finished is kept";
            Err(Failure::BuildStopped { signal, outcome })
        }
    }
}

/// The options with what a user says of a node image.
fn chosen(options: BuildOptions, arguments: &NodeImage) -> Result<BuildOptions, Failure> {
    let source = Source::choose(arguments.source.as_deref(), arguments.kind.map(Into::into))?;
    let (mut release, mut version) = (options.release, None);
    match (&source, &arguments.version) {
        (_, None) => {}
        (Source::Module, Some(text)) => release = Release::find(text)?,
        (Source::Checkout(_), Some(text)) => version = Some(text.clone()),
        (_, Some(text)) => return Err(SourceError::NeedlessVersion { text: text.clone() }.into()),
    }
    if let (Some(checksum), Source::Module | Source::Checkout(_) | Source::Image(_)) = (&arguments.checksum, &source) {
        return Err(SourceError::NeedlessChecksum { checksum: checksum.clone() }.into());
    }
    if let (Some(reference), Source::Image(_)) = (&arguments.base_image, &source) {
        return Err(SourceError::NeedlessBase { reference: reference.clone() }.into());
    }
    Ok(BuildOptions {
        release,
        source,
        version,
        checksum: arguments.checksum.clone(),
        base_image: arguments.base_image.clone(),
        architecture: arguments.arch.clone(),
        ..options
    })
}
