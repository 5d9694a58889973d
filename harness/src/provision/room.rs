//! Whether the machine has what the nodes take: inotify and disk.

use kind_engine::EngineFacts;
use kind_images::machine::{Certainty, Need, Room, Shortage};

use super::{plan::Plan, steps::StepError};

/// Refuses what cannot come up, and warns of what may not.
pub(super) async fn check(plan: &Plan, machine: &EngineFacts) -> Result<(), StepError> {
    let facts = machine.clone();
    // It looks at every process of the machine.
    let room = tokio::task::spawn_blocking(move || Room::of(&facts)).await.ok().flatten();
    judge(&room.unwrap_or_default(), Need::of(plan.control_planes().count(), plan.workers().count()))
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
