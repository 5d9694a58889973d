//! Which group of specs has which index.
//!
//! Every process of a suite orders its specs in the same way, by their places in the sources and a seed. So one that runs
//! through all groups and skips every spec in them says which is which.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    process::{Place, Process, Share},
    protocol::{Index, Said, Server},
};
use crate::{invoke::InvokeError, suite::Suite};

/// How long that may take. Upstream's suite needs three seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Matches no spec's name, none of which is empty.
const NONE: &str = "^$";

/// The groups of a suite, by the words of their specs' names.
#[derive(Debug, Default)]
pub(super) struct Order(HashMap<String, Index>);

impl Order {
    /// The group of the spec with this name; `None` for one that ginkgo runs alone.
    pub(super) fn of(&self, upstream: &str) -> Option<Index> {
        self.0.get(&words(upstream)).copied()
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
                None if order.0.is_empty() => return Err(process.died(None).await),
                None => return Ok(order),
            }
        }
    }
}

/// Texts may end with spaces, and upstream's list has the names with one or two between their parts.
fn words(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
