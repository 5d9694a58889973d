//! Whether the machine has what the nodes take: inotify and disk.

use kind_engine::{Engine, EngineFacts, read_host};
use kind_images::machine::{Certainty, Need, Room, Shortage, limit_files};

use super::{plan::Plan, steps::StepError};
use crate::causes::chain;

/// Refuses what cannot come up, and warns of what may not.
pub(super) async fn check(engine: &dyn Engine, plan: &Plan, machine: &EngineFacts) -> Result<(), StepError> {
    let room = if machine.local { here(machine).await } else { there(engine, plan, machine).await };
    judge(&room.unwrap_or_default(), Need::of(plan.control_planes().count(), plan.workers().count()))
}

async fn here(machine: &EngineFacts) -> Option<Room> {
    let facts = machine.clone();
    // It looks at every process of the machine.
    tokio::task::spawn_blocking(move || Room::of(&facts)).await.ok().flatten()
}

/// By a container of the node image, which carries the cluster's labels. Where it cannot look, nothing is refused.
async fn there(engine: &dyn Engine, plan: &Plan, machine: &EngineFacts) -> Option<Room> {
    let node = plan.first();
    let name = format!("{}-probe", node.name);
    let files = limit_files();
    match read_host(engine, &node.image, &name, &plan.labels, &files.each_ref().map(String::as_str)).await {
        Ok(reading) => Some(Room::there(&reading, machine)),
        Err(error) => {
            tracing::warn!("the engine's machine cannot be looked at: {}", chain(&error));
            None
        }
    }
}

fn judge(room: &Room, need: Need) -> Result<(), StepError> {
    let (sure, unsure): (Vec<Shortage>, Vec<Shortage>) =
        room.shortages(need).into_iter().partition(|shortage| shortage.certainty() == Certainty::Sure);
    for shortage in unsure {
        tracing::warn!("{shortage}");
    }
    if sure.is_empty() { Ok(()) } else { Err(StepError::Short(sure)) }
}

#[cfg(test)]
mod tests {
    use kind_images::machine::Limit;

    use super::*;

    #[test]
    fn everything_that_is_short_is_named_at_once_and_doubt_is_no_refusal() {
        let few = |used| Limit { limit: Some(30), used };
        let room = Room { instances: few(Some(20)), watches: few(Some(20)), ..Room::default() };
        let text = judge(&room, Need::of(1, 0)).unwrap_err().to_string();
        assert!(text.contains("inotify instances: 10 left") && text.contains("; inotify watches: 10 left"), "{text}");
        let room = Room { instances: few(None), ..Room::default() };
        judge(&room, Need::of(1, 0)).unwrap();
        judge(&Room::default(), Need::of(100, 100)).unwrap();
    }
}
