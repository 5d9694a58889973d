//! Notes, beside a cluster's state, on images that every node has: a test that finds one asks no node.
//!
//! A note is about a name that never comes to mean another image, one creation of the cluster, and its nodes. Clones are other
//! creations. Who may do anything to the nodes, such as remove images, has a handle without notes, and the leases throw away
//! those there are.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::Cluster;

/// A note: a file that is empty until every node has the image.
#[derive(Debug)]
pub(super) struct ImageNote(PathBuf);

impl Cluster {
    /// The same handle, with notes on loaded images in that folder, which goes with the cluster.
    #[must_use]
    pub fn with_image_notes_in(self, folder: &Path) -> Self {
        Self { image_notes: Some(folder.into()), ..self }
    }

    /// The note on an image; `None` for a handle without notes.
    pub(super) fn image_note(&self, name: &str) -> Option<ImageNote> {
        let (folder, instance) = (self.image_notes.as_deref()?, self.record().instance.as_ref()?);
        let mut digest = Sha256::new();
        for part in [instance.as_str().to_owned(), name.to_owned()].into_iter().chain(self.node_names()) {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let mut file = format!("{:x}", digest.finalize());
        file.truncate(32);
        Some(ImageNote(folder.join(file)))
    }
}

impl ImageNote {
    /// Whether every node has the image.
    pub(super) fn is_made(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|facts| facts.len() > 0)
    }

    /// Waits until nobody else loads the image. The lock ends with the file. Without one, which a folder that somebody removed
    /// or a file system may not have, the image is loaded and no note made.
    pub(super) async fn turn(&self) -> Option<File> {
        let path = self.0.clone();
        let turn = tokio::task::spawn_blocking(move || {
            // The folder above is the cluster's own: it is not made anew where it is gone.
            match fs::create_dir(path.parent().unwrap_or(&path)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let file = File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        });
        let turn = turn.await.expect("locking a file does not panic");
        turn.inspect_err(|error| tracing::debug!("load without a note in {}: {error}", self.0.display())).ok()
    }

    /// Notes that every node has the image. The name is for people.
    pub(super) fn make(&self, mut turn: File, name: &str) {
        if let Err(error) = writeln!(turn, "{name}") {
            tracing::debug!("note in {} that {name} is loaded: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kind_engine::{FakeEngine, Outcome};

    use super::*;
    use crate::{
        cluster::{ClusterRecord, NodeRecord},
        fake_api,
        load::samples::{docker_archive, file, id},
        spec::{Instance, NodeName, Role},
    };

    const NAME: &str = "docker.io/library/app:1";

    fn record(nodes: &[&str]) -> ClusterRecord {
        let node = |name: &&str| {
            NodeRecord::new(NodeName::existing((*name).to_owned()), Role::Worker, std::net::Ipv4Addr::LOCALHOST.into())
        };
        let nodes = nodes.iter().map(node).collect();
        ClusterRecord { instance: Some(Instance::new()), nodes, ..fake_api::record() }
    }

    fn engine() -> Arc<FakeEngine> {
        let engine = FakeEngine::default();
        engine.when("crictl inspecti", Outcome::Print(format!(r#"{{"status":{{"id":"{}"}}}}"#, id())));
        Arc::new(engine)
    }

    /// As another test process has it.
    fn handle(record: &ClusterRecord, engine: &Arc<FakeEngine>, state: &Path) -> Cluster {
        Cluster::with_engine(record.clone(), engine.clone()).with_image_notes_in(&state.join("images"))
    }

    fn imports(engine: &FakeEngine) -> usize {
        engine.calls().iter().filter(|call| call.contains("images import")).count()
    }

    #[tokio::test]
    async fn what_is_noted_costs_no_call_and_no_lock_and_another_cluster_has_its_own_notes() {
        let (state, engine, archive) = (tempfile::tempdir().unwrap(), engine(), file(&docker_archive("amd64")));
        let record = record(&["one", "two"]);
        handle(&record, &engine, state.path()).load_archive_once(archive.path(), NAME).await.unwrap();
        assert_eq!(imports(&engine), 2);

        let quiet = self::engine();
        let again = handle(&record, &quiet, state.path());
        let _locked = again.image_note(NAME).unwrap().turn().await.unwrap();
        // Not even the archive is opened.
        again.load_archive_once("/nonexistent", NAME).await.unwrap();
        assert_eq!(quiet.calls(), Vec::<String>::new());

        let anew = ClusterRecord { instance: Some(Instance::new()), ..record.clone() };
        let larger = ClusterRecord { nodes: [&record.nodes[..], &self::record(&["three"]).nodes].concat(), ..record };
        for other in [anew, larger] {
            assert!(!handle(&other, &quiet, state.path()).image_note(NAME).unwrap().is_made(), "{other:?}");
        }
        assert!(!again.image_note("docker.io/library/app:2").unwrap().is_made());
    }

    #[tokio::test]
    async fn a_crowd_loads_an_image_once() {
        let (state, engine, archive) = (tempfile::tempdir().unwrap(), engine(), file(&docker_archive("amd64")));
        let record = record(&["one"]);
        let tests = (0..16).map(|_| {
            let (cluster, archive) = (handle(&record, &engine, state.path()), archive.path().to_owned());
            async move { cluster.load_archive_once(archive, NAME).await }
        });
        futures::future::try_join_all(tests).await.unwrap();
        let looks = engine.calls().iter().filter(|call| call.contains("images list")).count();
        assert_eq!((imports(&engine), looks), (1, 2));
    }

    #[tokio::test]
    async fn what_failed_or_has_no_place_for_notes_is_not_noted() {
        let (state, archive) = (tempfile::tempdir().unwrap(), file(&docker_archive("amd64")));
        let refusing = engine();
        refusing.when("images import", Outcome::Exit(1, "no space left".to_owned()));
        let record = record(&["one"]);
        handle(&record, &refusing, state.path()).load_archive_once(archive.path(), NAME).await.unwrap_err();
        let engine = engine();
        let cluster = handle(&record, &engine, state.path());
        assert!(!cluster.image_note(NAME).unwrap().is_made());
        cluster.load_archive_once(archive.path(), NAME).await.unwrap();
        assert!(cluster.image_note(NAME).unwrap().is_made());

        let gone = handle(&record, &engine, &state.path().join("removed"));
        gone.load_archive_once(archive.path(), NAME).await.unwrap();
        assert!(!state.path().join("removed").exists());
        assert!(Cluster::with_engine(record, engine).image_note(NAME).is_none());
    }
}
