//! Reading a run's records back from its folder, as they are at this moment.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    chronicle,
    place::{PAGE, Place, RUNS, modified},
    stream::now,
};
use crate::page::{Bundle, ClusterEvent, ClusterLines, Line, Other, Records, TestEvent, TestLines, read_lines};

/// How many files of a bundle get a link.
const ENTRIES: usize = 20;
/// A file system may keep times less exactly than we do, in milliseconds.
const GRAIN: u64 = 2_000;

/// Everything that was recorded of a run; `None` without its head. `live` says whether the run goes on.
pub(super) fn gather(place: &Place, live: bool) -> Option<Records> {
    let head = place.head()?;
    let mut unread = 0;
    let artifacts = place.artifacts();
    let tests = files(&place.tests());
    let tests = tests.iter().filter_map(|file| test(file, artifacts, &mut unread)).collect();
    let clusters = files(&place.clusters());
    let clusters = clusters.iter().filter_map(|file| cluster(file, artifacts, &mut unread)).collect();
    let machine = fs::read(place.machine_file()).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let others = Place::all(artifacts).into_iter().filter(|(other, _)| other != place && other.page().is_file());
    let others = others.filter_map(|(other, began)| {
        let name = other.path().file_name()?.to_str()?.to_owned();
        Some(Other { path: format!("{RUNS}/{name}/{PAGE}"), began })
    });
    Some(Records { head, machine, tests, clusters, now: now(), live, unread, others: others.collect() })
}

/// Whether a test of the run has not come to its end and its process lives.
pub(super) fn is_in_use(place: &Place) -> bool {
    files(&place.tests()).iter().any(|file| {
        let (lines, _) = read_lines::<TestEvent>(&text(file));
        lines.last().is_some_and(|last| last.event != TestEvent::Done) && is_alive(&lines)
    })
}

/// Whether nobody will note anything more of the clusters that were made for this run.
pub(super) fn is_settled(place: &Place) -> bool {
    files(&place.clusters()).iter().all(|file| {
        let (lines, _) = read_lines::<ClusterEvent>(&text(file));
        let ordered = lines.iter().rev().find_map(|line| match &line.event {
            ClusterEvent::Ordered(ordered) => Some(ordered),
            _ => None,
        });
        // One of the user's outlives the run.
        ordered.is_none_or(|ordered| ordered.idle.is_some() || !ordered.keeper.is_alive())
    })
}

/// Takes over what is recorded of clusters of the user's that this run's tests used or caused: it goes with their state
/// folders, which `state` holds.
pub(super) fn adopt(place: &Place, state: &Path) {
    let Some(head) = place.head() else { return };
    let mut used = BTreeSet::new();
    for file in files(&place.tests()) {
        let (lines, _) = read_lines::<TestEvent>(&text(&file));
        used.extend(lines.into_iter().filter_map(|line| match line.event {
            TestEvent::Attached(facts) => Some(facts.name),
            _ => None,
        }));
    }
    let folders = fs::read_dir(state.join("clusters")).into_iter().flatten().flatten();
    for folder in folders {
        let records = text(&folder.path().join(chronicle::FILE));
        let (lines, _) = read_lines::<ClusterEvent>(&records);
        let ordered = lines.iter().rev().find_map(|line| match &line.event {
            // Those of one run write into that run's folder themselves.
            ClusterEvent::Ordered(ordered) if ordered.idle.is_some() => Some(ordered),
            _ => None,
        });
        let Some(ordered) = ordered else { continue };
        let made_meanwhile =
            lines.iter().any(|it| it.at >= head.began && matches!(it.event, ClusterEvent::Creating { .. }));
        if !used.contains(&ordered.cluster) && !made_meanwhile {
            continue;
        }
        let copy = place.cluster(&ordered.cluster);
        if text(&copy).len() < records.len() {
            // Without it the cluster's page is shorter; the next look tries again.
            let _ = fs::write(copy, records);
        }
    }
}

/// How much there is, to tell whether something was added.
pub(super) fn size(place: &Place) -> u64 {
    let all = files(&place.tests()).into_iter().chain(files(&place.clusters()));
    all.filter_map(|file| Some(fs::metadata(file).ok()?.len() + 1)).sum()
}

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// A file that is gone meanwhile, or is no text, is an empty one.
fn text(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}

fn test(file: &Path, artifacts: &Path, unread: &mut usize) -> Option<TestLines> {
    let (lines, bad) = read_lines::<TestEvent>(&text(file));
    *unread += bad;
    let first = lines.first()?;
    let bundle = match &first.event {
        TestEvent::Began(subject) => bundle(artifacts, &subject.folder, first.at),
        _ => None,
    };
    Some(TestLines { alive: is_alive(&lines), lines, bundle })
}

fn is_alive(lines: &[Line<TestEvent>]) -> bool {
    let ended = lines.last().is_some_and(|last| last.event == TestEvent::Done);
    !ended && lines.first().is_some_and(|first| matches!(&first.event, TestEvent::Began(it) if it.process.is_alive()))
}

fn cluster(file: &Path, artifacts: &Path, unread: &mut usize) -> Option<ClusterLines> {
    let (lines, bad) = read_lines::<ClusterEvent>(&text(file));
    *unread += bad;
    let first = lines.first()?;
    let logs = lines.iter().find_map(|line| match &line.event {
        ClusterEvent::Ordered(ordered) => bundle(artifacts, &ordered.cluster, first.at),
        _ => None,
    });
    Some(ClusterLines { lines, logs })
}

/// What is in a folder below the artifacts, unless that is older than what is to have filled it.
fn bundle(artifacts: &Path, folder: &str, since: u64) -> Option<Bundle> {
    // The name comes from a file that anybody may have written.
    if folder.is_empty() || folder.starts_with('.') || folder.contains(['/', '\\', '\0']) {
        return None;
    }
    let path = artifacts.join(folder);
    let mut entries: Vec<String> = fs::read_dir(&path)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(if entry.file_type().ok()?.is_dir() { format!("{name}/") } else { name })
        })
        .collect();
    if modified(&path) + GRAIN < since {
        return None;
    }
    entries.sort();
    entries.truncate(ENTRIES);
    Some(Bundle { folder: folder.to_owned(), entries })
}
