//! The containers in which images are made. They are removed whether their work succeeds or not; those of a killed build
//! by the next one.

use std::path::Path;

use kind_engine::{Command, ContainerSpec, Engine, ExecOutput, Mount, MountKind, NodeFile, Privileges};

use tokio_util::sync::CancellationToken;

use crate::{
    BuildError, Step,
    cache::{Cache, file},
    digest::{hex, random},
    embedded::Embedded,
    error::InStep,
    workshop::Workshop,
};

/// Marks build containers, with the identity of the cache folder they belong to as its value: whoever holds that folder's
/// lock knows that nobody uses them. Committed images get another value, since containers inherit the labels of their image.
const LABEL: &str = "io.kind-rs.build";
const PREFIX: &str = "kind-rs-build-";

/// Where scripts work: on the volume, so that nothing of it is in an image.
pub(crate) const WORK: &str = "/var/kind-rs-build";

/// A container in which an image is made.
pub(crate) struct BuildContainer<'a> {
    engine: &'a dyn Engine,
    step: Step,
    name: String,
    stop: CancellationToken,
}

impl<'a> BuildContainer<'a> {
    /// Runs a container of an image that does nothing until it is told to. /var is a volume: what is written there is
    /// no part of an image made of the container.
    pub(crate) async fn run(
        engine: &'a dyn Engine,
        step: Step,
        image: &str,
        workshop: &Workshop<'_>,
        privileges: Privileges,
    ) -> Result<Self, BuildError> {
        let random = hex(&random().map_err(file(step, "make a name for a container in", workshop.cache.root()))?[..4]);
        let name = format!("{PREFIX}{}-{random}", step.slug());
        let spec = ContainerSpec {
            name: name.clone(),
            image: image.to_owned(),
            entrypoint: vec!["/bin/sleep".to_owned()],
            arguments: vec!["infinity".to_owned()],
            labels: [(LABEL.to_owned(), workshop.cache.identity().to_owned())].into(),
            mounts: vec![Mount { target: "/var".to_owned(), kind: MountKind::AnonymousVolume }],
            privileges,
            ..ContainerSpec::default()
        };
        engine.run_container(&spec).await.during(step)?;
        Ok(Self { engine, step, name, stop: workshop.stop.clone() })
    }

    /// What the engine does for it, unless the build is stopped first. What then still goes on ends with the container.
    async fn engine<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, BuildError>
    where
        Result<T, E>: InStep<T>,
    {
        let done = self.stop.run_until_cancelled(work).await;
        done.ok_or(BuildError::Stopped { step: self.step })?.during(self.step)
    }

    /// Unpacks a tar file at the container's root.
    pub(crate) async fn unpack(&self, tar: &Path) -> Result<(), BuildError> {
        self.engine(self.engine.upload_tar(&self.name, "/", tar)).await
    }

    /// Writes files of ours into its work folder, which is no part of an image.
    pub(crate) async fn provide(&self, files: &[Embedded]) -> Result<(), BuildError> {
        let placed = |file: &Embedded| NodeFile::executable(format!("{WORK}/{}", file.name()), file.text);
        let files: Vec<NodeFile> = files.iter().map(placed).collect();
        self.engine(self.engine.write_files(&self.name, &files)).await
    }

    /// Writes one more program into its work folder, under another name.
    pub(crate) async fn provide_as(&self, name: &str, text: &str) -> Result<(), BuildError> {
        let file = NodeFile::executable(format!("{WORK}/{name}"), text);
        self.engine(self.engine.write_files(&self.name, &[file])).await
    }

    /// Runs a program that was provided.
    pub(crate) async fn script(&self, name: &str, arguments: &[&str]) -> Result<(), BuildError> {
        let output = self.engine(self.engine.exec(&self.name, &command(name, arguments))).await?;
        output.success().map(drop).during(self.step)
    }

    /// Runs a program of its own, and returns what became of it.
    pub(crate) async fn exec(&self, command: &Command) -> Result<ExecOutput, BuildError> {
        self.engine(self.engine.exec(&self.name, command)).await
    }

    /// Runs a program that was provided, with a file of this machine as its standard input.
    pub(crate) async fn script_with_file(
        &self,
        name: &str,
        arguments: &[&str],
        input: &Path,
    ) -> Result<(), BuildError> {
        let command = command(name, arguments);
        let output = self.engine(self.engine.exec_with_file(&self.name, &command, input)).await?;
        output.success().map(drop).during(self.step)
    }

    /// Packs a folder of it as a tar file on this machine.
    pub(crate) async fn pack(&self, path: &str, tar: &Path) -> Result<(), BuildError> {
        self.engine(self.engine.download_tar(&self.name, path, tar)).await
    }

    /// Makes an image of it.
    pub(crate) async fn commit(&self, reference: &str, changes: &[String]) -> Result<(), BuildError> {
        let mut changes = changes.to_vec();
        changes.push(format!("LABEL {LABEL}=finished"));
        // Not to be stopped: an engine that is left alone with it may be at it still when the container is to go.
        self.engine.commit(&self.name, reference, &changes).await.during(self.step)
    }

    /// Removes it once its work is over, and returns the work's result.
    pub(crate) async fn close<T>(self, result: Result<T, BuildError>) -> Result<T, BuildError> {
        let removed = self.engine.remove_container(&self.name).await.during(self.step);
        match (result, removed) {
            // Who stops a build wants to know what is left of it.
            (Err(BuildError::Stopped { .. }), Err(left)) => Err(left),
            (result, removed) => result.and_then(|value| removed.map(|()| value)),
        }
    }
}

fn command(name: &str, arguments: &[&str]) -> Command {
    Command::new(std::iter::once(format!("{WORK}/{name}")).chain(arguments.iter().map(|&text| text.to_owned())))
}

/// Removes what a killed build in the same cache folder left behind.
pub(crate) async fn sweep(engine: &dyn Engine, step: Step, cache: &Cache) -> Result<(), BuildError> {
    let ours = [(LABEL.to_owned(), cache.identity().to_owned())].into();
    for container in engine.containers(&ours).await.during(step)? {
        if container.name.starts_with(PREFIX) {
            engine.remove_container(&container.name).await.during(step)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Labels};

    use super::*;
    use crate::{BuildOptions, Silent, command::Host};

    #[tokio::test]
    async fn builds_in_different_folders_leave_each_others_containers_alone() {
        let (engine, host) = (FakeEngine::default(), Host::default());
        engine.add_image("base", &[]);
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let options = BuildOptions::new(one.path());
        let cache = Cache::open(&options, Step::Base, &Silent).await.unwrap();
        let workshop = Workshop::new(&options, cache, &host, &Silent);
        let run = || BuildContainer::run(&engine, Step::Base, "base", &workshop, Privileges::Default);
        let (first, second) = (run().await.unwrap(), run().await.unwrap());
        assert_ne!(first.name, second.name);
        let options = BuildOptions::new(other.path());
        let cache = Cache::open(&options, Step::Base, &Silent).await.unwrap();
        sweep(&engine, Step::Base, &cache).await.unwrap();
        let containers = engine.containers(&Labels::new()).await.unwrap().len();
        assert_eq!(containers, 2, "another folder's containers were removed: {:?}", engine.calls());
        sweep(&engine, Step::Base, &workshop.cache).await.unwrap();
        assert!(engine.left().is_empty(), "what a killed build left stays: {:?}", engine.left());
    }
}
