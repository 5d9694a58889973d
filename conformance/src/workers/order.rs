//! Which group of specs has which index.
//!
//! Every process of a suite orders its specs in the same way, by their places in the sources and a seed. So one that runs
//! through all groups and skips every spec in them says which is which. That is remembered beside the program.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    process::{Place, Process, SEED, Share},
    protocol::{Index, Said, Server},
};
use crate::{invoke::InvokeError, suite::Suite};

/// How long that may take. Upstream's suite needs three seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Matches no spec's name, none of which is empty.
const NONE: &str = "^$";

/// The groups of a suite, by the words of their specs' names.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order(HashMap<String, Index>);

/// What an order is of: the same program, told the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    size: u64,
    changed: SystemTime,
    arguments: Vec<String>,
    /// What ginkgo itself is told.
    seed: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    origin: Origin,
    order: Order,
}

impl Order {
    /// The group of the spec with this name; `None` for one that ginkgo runs alone.
    pub(super) fn of(&self, upstream: &str) -> Option<Index> {
        self.0.get(&words(upstream)).copied()
    }

    /// What is remembered of the suite, or what it says.
    pub(super) async fn find(suite: &Suite, kubeconfig: &str, log: &Path) -> Result<Self, InvokeError> {
        // A program that is found on the search path has no place for it.
        let Ok(origin) = Origin::of(suite) else { return Self::ask(suite, kubeconfig, log).await };
        let path = beside(&suite.program);
        if let Some(order) = remembered(&path, &origin) {
            return Ok(order);
        }
        let order = Self::ask(suite, kubeconfig, log).await?;
        let remembered = Remembered { origin, order };
        // Where nobody may write, the next run asks as this one did.
        let _ = remember(&path, &remembered);
        Ok(remembered.order)
    }

    /// Forgets what is remembered of the suite, because it is wrong.
    pub(super) fn forget(suite: &Suite) {
        // Most often there is nothing.
        let _ = fs::remove_file(beside(&suite.program));
    }

    /// Asks the suite. No spec runs, and no cluster is asked.
    pub(super) async fn ask(suite: &Suite, kubeconfig: &str, log: &Path) -> Result<Self, InvokeError> {
        let start = Instant::now();
        let server = Server::start().await.map_err(|source| InvokeError::File { action: "listen", source })?;
        server.pretend_to_be_set_up();
        // Not the first: that would go on to the specs that run alone, which have numbers of their own.
        let share = Share { number: 2, of: 2 };
        let place = Place { suite, kubeconfig, log, focus: Some(NONE), own_group: true };
        let mut process = Process::start(&server, share, &place)?;
        let mut order = Self::default();
        let mut next: Index = 0;
        loop {
            let left = LIMIT.saturating_sub(start.elapsed());
            let Ok(said) = tokio::time::timeout(left, process.hear()).await else {
                process.kill().await?;
                return Err(InvokeError::Hangs { limit: LIMIT, tail: process.tail() });
            };
            match said {
                Some(Said::Idle) => {
                    process.run(next);
                    next += 1;
                }
                Some(Said::Ran(report)) if report.is_spec() && next > 0 => {
                    order.0.insert(words(&report.name()), next - 1);
                }
                Some(Said::Ran(_)) => {}
                Some(Said::Unreadable(why)) => return Err(process.died(Some(why)).await),
                // One that was killed half-way has not named all of them.
                None if order.0.is_empty() || !process.succeeds().await => return Err(process.died(None).await),
                None => return Ok(order),
            }
        }
    }
}

impl Origin {
    fn of(suite: &Suite) -> io::Result<Self> {
        let facts = fs::metadata(&suite.program)?;
        Ok(Self {
            size: facts.len(),
            changed: facts.modified()?,
            arguments: suite.arguments.clone(),
            seed: SEED.to_owned(),
        })
    }
}

fn beside(program: &Path) -> PathBuf {
    let mut name = OsString::from(program);
    name.push(".order.json");
    name.into()
}

/// `None` where there is nothing, or something of another program, or half of a file.
fn remembered(path: &Path, origin: &Origin) -> Option<Order> {
    let found: Remembered = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (found.origin == *origin).then_some(found.order)
}

fn remember(path: &Path, order: &Remembered) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&draft, order)?;
    draft.persist(path)?;
    Ok(())
}

/// Texts may end with spaces, and upstream's list has the names with one or two between their parts.
fn words(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_remembered_of_this_program_and_these_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("operator.test");
        fs::write(&program, "one").unwrap();
        let suite = Suite::new(&program);
        let path = beside(&program);
        let order = || Order([("a spec".to_owned(), 3)].into());
        assert_eq!(remembered(&path, &Origin::of(&suite).unwrap()), None);
        remember(&path, &Remembered { origin: Origin::of(&suite).unwrap(), order: order() }).unwrap();
        assert_eq!(remembered(&path, &Origin::of(&suite).unwrap()), Some(order()));
        let told_more = suite.clone().argument("--more");
        assert_eq!(remembered(&path, &Origin::of(&told_more).unwrap()), None);
        fs::write(&program, "built again").unwrap();
        assert_eq!(remembered(&path, &Origin::of(&suite).unwrap()), None);
        fs::write(&path, "{").unwrap();
        assert_eq!(remembered(&path, &Origin::of(&suite).unwrap()), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft stays");
    }
}
