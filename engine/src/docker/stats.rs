//! What running containers use.

use std::collections::HashMap;

use bollard::{Docker, models::ContainerMemoryStats, query_parameters::StatsOptions};
use futures::StreamExt as _;

use super::request::send;
use crate::EngineError;

/// One look instead of the two that measuring processors takes. Old engines (20.10) still take a second for it.
const ONE_LOOK: StatsOptions = StatsOptions { stream: false, one_shot: true };

pub(super) async fn memory(docker: &Docker, name: &str) -> Result<Option<u64>, EngineError> {
    let mut answers = std::pin::pin!(docker.stats(name, Some(ONE_LOOK)));
    let answer = send("read the memory of container", name, async { answers.next().await.transpose() }).await?;
    Ok(answer.and_then(|stats| stats.memory_stats).and_then(used))
}

/// What processes and the kernel hold: without the file pages that the kernel gives back when they are needed, as the
/// `docker stats` command counts.
fn used(memory: ContainerMemoryStats) -> Option<u64> {
    let details: HashMap<String, u64> = memory.stats.unwrap_or_default();
    // cgroup v1 has both names; the first counts the whole tree, as `usage` does.
    let pages = details.get("total_inactive_file").or_else(|| details.get("inactive_file")).copied().unwrap_or(0);
    memory.usage.map(|usage| usage.saturating_sub(pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(usage: Option<u64>, details: &[(&str, u64)]) -> ContainerMemoryStats {
        let stats = details.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
        ContainerMemoryStats { usage, stats: Some(stats), ..ContainerMemoryStats::default() }
    }

    #[test]
    fn pages_that_are_given_back_do_not_count() {
        assert_eq!(used(stats(Some(100), &[("inactive_file", 30)])), Some(70));
        assert_eq!(used(stats(Some(100), &[("inactive_file", 1), ("total_inactive_file", 40)])), Some(60));
        assert_eq!(used(stats(Some(100), &[("inactive_file", 200)])), Some(0));
        assert_eq!(used(stats(Some(100), &[])), Some(100));
    }

    #[test]
    fn a_container_that_does_not_run_uses_nothing_that_is_known() {
        assert_eq!(used(stats(None, &[])), None);
    }
}
