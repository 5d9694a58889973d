//! The folder being written: files for the user only and without secrets, and the list of what could not be had.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kind_engine::{Command, Engine};

use crate::{
    private_file::{bounded, save},
    redact::Known,
};

/// How long one question may take: a node that hangs must not hold up the others.
const LIMIT: Duration = Duration::from_secs(30);

/// The folder of an export.
pub(super) struct Tree {
    folder: PathBuf,
    /// What is left out of every file.
    known: Arc<Known>,
    missing: Mutex<Vec<String>>,
}

impl Tree {
    pub(super) fn new(folder: &Path, known: Known) -> Self {
        Self { folder: folder.to_owned(), known: Arc::new(known), missing: Mutex::default() }
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Notes that something is not there, and why.
    pub(super) fn lacks(&self, name: &str, reason: impl std::fmt::Display) {
        let reason = reason.to_string().replace('\n', " ");
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {reason}"));
    }

    /// Writes a file; the folder was made when the export began, so what fails here is the disk.
    async fn write(&self, name: &str, text: String) {
        let (path, known) = (self.path(name), self.known());
        let written = tokio::task::spawn_blocking(move || save(&path, &known.left_out_of(&bounded(&text)))).await;
        if let Err(error) = written.map_err(io::Error::other).and_then(|saved| saved) {
            self.lacks(name, error);
        }
    }

    /// Writes what an answer says, or notes that there is none.
    pub(super) async fn save<E: std::fmt::Display>(&self, name: &str, answer: impl Future<Output = Result<String, E>>) {
        match tokio::time::timeout(LIMIT, answer).await {
            Ok(Ok(text)) => self.write(name, text).await,
            Ok(Err(error)) => self.lacks(name, error),
            Err(_) => self.lacks(name, format!("no answer within {} s", LIMIT.as_secs())),
        }
    }

    /// Writes what a command in a container prints, also where it failed after having printed something.
    pub(super) async fn save_command(&self, engine: &dyn Engine, container: &str, name: &str, argv: &[&str]) {
        let command = Command::new(argv.iter().copied());
        let answer = async {
            let output = engine.exec(container, &command).await.map_err(|error| error.to_string())?;
            if output.exit_code == 0 || !output.stdout.is_empty() {
                return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            Err(format!("{} ended with {}: {}", argv[0], output.exit_code, String::from_utf8_lossy(&output.stderr)))
        };
        self.save(name, answer).await;
    }

    /// Writes the list of what is missing, where anything is.
    pub(super) fn finish(&self) -> io::Result<usize> {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.sort();
        if !missing.is_empty() {
            save(&self.path("missing.txt"), &self.known.left_out_of(&format!("{}\n", missing.join("\n"))))?;
        }
        Ok(missing.len())
    }
}
