//! A folder with Kubernetes' sources, built with Go and its own module files.

use std::{fs, path::Path};

use super::{
    SourceError,
    archive::PROGRAMS,
    version::{is_version, of_description},
};
use crate::{
    BuildError, Release, Step,
    cache::file,
    command::{CommandFailure, HostCommand},
    components::Reported,
    error::InStep as _,
    go, tools,
    workshop::Workshop,
};

const STEP: Step = Step::Kubernetes;

/// Builds the programs into `output`, and returns their version.
pub(super) async fn build(workshop: &Workshop<'_>, folder: &Path, output: &Path) -> Result<String, BuildError> {
    let folder = &fs::canonicalize(folder).map_err(file(STEP, "find", folder))?;
    check(folder).during(STEP)?;
    tools::go(workshop, STEP, Release::newest()).await?;
    let reported = reported(workshop, folder).await?;
    let version = reported.version.clone();
    let jobs = workshop.options.jobs.map(|jobs| format!("-p={jobs}"));
    let mut command = go::with_places(workshop, folder)
        // Everything else is the checkout's business: its workspace, and whether it brings its dependencies along.
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .args([linker_flags(&reported), "-o".to_owned(), output.join("").display().to_string()])
        .args(jobs)
        .args(PROGRAMS.map(|program| format!("./cmd/{program}")));
    if workshop.options.offline {
        command = command.env("GOPROXY", "off");
    }
    workshop.run(STEP, &command).await?;
    go::compile_pause(workshop, folder, output, None).await?;
    let (licence, copy) = (folder.join("LICENSE"), output.join("LICENSE"));
    fs::copy(&licence, &copy).map_err(file(STEP, "copy", &licence))?;
    Ok(version)
}

fn linker_flags(reported: &Reported) -> String {
    let set = |text, (name, value): &(String, String)| format!("{text} -X {name}={value}");
    reported.variables().iter().fold("-s -w".to_owned(), set)
}

/// Fails where the folder has other sources.
fn check(folder: &Path) -> Result<(), SourceError> {
    let text = fs::read_to_string(folder.join("go.mod")).unwrap_or_default();
    let is_kubernetes = text.lines().any(|line| line.trim() == "module k8s.io/kubernetes");
    if is_kubernetes { Ok(()) } else { Err(SourceError::NotKubernetes { path: folder.to_owned() }) }
}

/// What the programs will say of themselves.
async fn reported(workshop: &Workshop<'_>, folder: &Path) -> Result<Reported, BuildError> {
    let reported = of_git(workshop, folder).await;
    // What git did not say any more means nothing then.
    if workshop.stop.is_cancelled() { Err(BuildError::Stopped { step: STEP }) } else { reported }
}

async fn of_git(workshop: &Workshop<'_>, folder: &Path) -> Result<Reported, BuildError> {
    let git = async |arguments: &[&str]| {
        // Dates are those of the commit, the same everywhere.
        let command = HostCommand::new("git", folder).env("TZ", "UTC").args(arguments.iter().copied());
        let printed = workshop.runner.run(&command, &workshop.cache.log(STEP), &|_| (), &workshop.stop).await;
        printed.map(|text| text.trim().to_owned()).map_err(|failure| match failure {
            CommandFailure::Stopped => "the build was stopped".to_owned(),
            CommandFailure::Missing => "git is not installed".to_owned(),
            CommandFailure::Broken(error) => error.to_string(),
            CommandFailure::Failed { tail, .. } => tail,
        })
    };
    let described = match git(&["rev-parse", "--show-toplevel"]).await {
        Ok(top) if Path::new(&top) == folder => git(&["describe", "--tags", "--dirty", "--match", "v[0-9]*"]).await,
        Ok(top) => Err(format!("it is part of the repository {top}")),
        Err(why) => Err(why),
    };
    let version = match (&workshop.options.version, &described) {
        (Some(version), _) if is_version(version) => version.clone(),
        (Some(version), _) => return Err(SourceError::Version { text: version.clone() }).during(STEP),
        (None, Ok(text) | Err(text)) => of_description(text)
            .ok_or_else(|| SourceError::NoVersion { path: folder.to_owned(), found: text.clone() })
            .during(STEP)?,
    };
    let Ok(described) = described else {
        let (unknown, never) = ("unknown".to_owned(), "1970-01-01T00:00:00Z".to_owned());
        return Ok(Reported { version, clean: false, commit: unknown, date: never });
    };
    let failed = |found| SourceError::NoVersion { path: folder.to_owned(), found };
    let commit = git(&["rev-parse", "HEAD"]).await.map_err(failed).during(STEP)?;
    let date = ["log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"];
    let date = git(&date).await.map_err(failed).during(STEP)?;
    Ok(Reported { version, clean: !described.ends_with("-dirty"), commit, date })
}
