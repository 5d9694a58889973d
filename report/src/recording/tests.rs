//! Records on disk: what is written is found again, whatever was killed, and old runs are forgotten.

use std::{fs, path::Path};

use kind_core::{access::Access, process::ProcessId};

use super::{
    chronicle::{self, Chronicle},
    gather::{adopt, gather, is_in_use, is_settled, size},
    pages::{forget_old, write},
    place::{Place, modified},
    rewrite::{RewriteError, rewrite},
    stream::Stream,
};
use crate::page::{ClusterEvent, ClusterFacts, FORMAT, Head, Ordered, Outcome, Run, ShapeFacts, Subject, TestEvent};

/// A run's folder with a head that says when it began.
fn run(artifacts: &Path, name: &str, began: u64) -> Place {
    let place = Place::at(&artifacts.join("runs").join(name));
    place.create().unwrap();
    let head = Head {
        format: FORMAT,
        began,
        run: name.to_owned(),
        owner: ProcessId::current(),
        harness: "0".to_owned(),
        settings: Vec::new(),
    };
    fs::write(place.head_file(), serde_json::to_vec(&head).unwrap()).unwrap();
    place
}

fn began(test: &str, process: ProcessId) -> TestEvent {
    TestEvent::Began(Subject {
        package: "shop".to_owned(),
        test: test.to_owned(),
        attempt: 1,
        access: Access::Shared,
        shape: Some(shape()),
        folder: test.replace("::", "."),
        process,
    })
}

fn shape() -> ShapeFacts {
    ShapeFacts { digest: "0".to_owned(), label: "1 control plane".to_owned() }
}

fn facts() -> ClusterFacts {
    let [image, version, label] = ["image", "v1.37.2", "1 control plane"].map(str::to_owned);
    ClusterFacts { name: "kt-1".to_owned(), image, version, label }
}

fn ordered(idle: Option<u64>, keeper: ProcessId) -> ClusterEvent {
    let [cluster, image, scope] = ["kt-1", "image", "somebody"].map(str::to_owned);
    ClusterEvent::Ordered(Ordered { cluster, shape: shape(), image, scope, idle, keeper })
}

/// A process that ended.
fn dead() -> ProcessId {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let process = ProcessId::of(child.id()).unwrap();
    child.wait().unwrap();
    process
}

fn note(file: &Path, events: &[TestEvent]) {
    let stream = Stream::open(file).unwrap();
    for event in events {
        stream.note(event).unwrap();
    }
}

#[test]
fn what_was_recorded_is_on_the_page_and_a_torn_record_is_not() {
    let root = tempfile::tempdir().unwrap();
    let place = run(root.path(), "a", 1);
    let judged = TestEvent::Judged { outcome: Outcome::Failed, reason: Some("no such order".to_owned()) };
    let events = [began("shop::orders", ProcessId::current()), judged, TestEvent::Done];
    note(&place.tests().join("1.jsonl"), &events);
    fs::write(place.tests().join("2.jsonl"), "{\"format\":1,\"at\":1,\"eve").unwrap();
    fs::write(place.tests().join("3.jsonl"), "rubbish\n").unwrap();
    fs::create_dir_all(root.path().join("shop.orders/logs")).unwrap();
    fs::write(root.path().join("shop.orders/summary.txt"), "").unwrap();
    let front = write(&place, false).unwrap().unwrap();
    let page = fs::read_to_string(&front).unwrap();
    assert_eq!(front, root.path().join("report.html"));
    for text in
        ["no such order", "1 record could not be read", "href=\"./shop.orders/summary.txt\"", "shop.orders/logs/"]
    {
        assert!(page.contains(text), "{text:?} in {page}");
    }
    let own = fs::read_to_string(place.page()).unwrap();
    assert!(own.contains("href=\"./../../shop.orders/summary.txt\""), "{own}");
}

#[test]
fn a_bundle_of_an_earlier_run_is_not_this_one_s() {
    let root = tempfile::tempdir().unwrap();
    let place = run(root.path(), "a", 1);
    let folder = root.path().join("shop.orders");
    fs::create_dir(&folder).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(&folder).unwrap().set_modified(long_ago).unwrap();
    note(&place.tests().join("1.jsonl"), &[began("shop::orders", dead())]);
    assert_eq!(gather(&place, false).unwrap().tests[0].bundle, None);
}

#[test]
fn a_test_without_an_end_is_in_use_while_its_process_lives() {
    let root = tempfile::tempdir().unwrap();
    let place = run(root.path(), "a", 1);
    let file = place.tests().join("1.jsonl");
    note(&file, &[began("shop::orders", dead())]);
    assert!(!is_in_use(&place));
    let killed = fs::read_to_string({
        write(&place, false).unwrap();
        place.page()
    })
    .unwrap();
    assert!(killed.contains("1 of 1 test was killed"), "{killed}");
    note(&place.tests().join("2.jsonl"), &[began("shop::payments", ProcessId::current())]);
    assert!(is_in_use(&place));
    note(&place.tests().join("2.jsonl"), &[TestEvent::Done]);
    assert!(!is_in_use(&place));
}

#[test]
fn a_cluster_is_recorded_for_its_run_and_for_those_that_come() {
    let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = run(root.path(), "a", 1);
    let folder = state.path().join("clusters/0123456789");
    fs::create_dir_all(&folder).unwrap();
    let chronicle = Chronicle::open(&folder, Some(place.path()), "kt-1");
    chronicle.note(&ordered(None, ProcessId::current()));
    assert!(!is_settled(&place));
    chronicle.note(&ordered(None, dead()));
    chronicle.note(&ClusterEvent::Creating { attempt: 1 });
    assert!(is_settled(&place), "its keeper is dead");
    let copies = [folder.join(chronicle::FILE), place.cluster("kt-1")].map(|file| fs::read(file).unwrap());
    assert_eq!(copies[0], copies[1]);
    // A run without a report has no folder, and none is made.
    Chronicle::open(&folder, Some(&root.path().join("runs/b")), "kt-1").note(&ClusterEvent::Removed);
    assert!(!root.path().join("runs/b").exists());
}

#[test]
fn a_cluster_of_the_user_s_is_taken_over_where_it_was_used() {
    let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = state.path().join("clusters/0123456789");
    fs::create_dir_all(&folder).unwrap();
    let chronicle = Chronicle::open(&folder, None, "kt-1");
    chronicle.note(&ordered(Some(1800), ProcessId::current()));
    chronicle.note(&ClusterEvent::Creating { attempt: 1 });
    chronicle.note(&ClusterEvent::Ready(facts()));
    let later = modified(&folder) + 60_000;
    let (used, unused) = (run(root.path(), "used", later), run(root.path(), "unused", later));
    // In the millisecond in which the cluster was made it would be one that was made for the test.
    let stream = Stream::open(&used.tests().join("1.jsonl")).unwrap();
    for event in [began("shop::orders", dead()), TestEvent::Attached(facts())] {
        stream.note_at(&event, later).unwrap();
    }
    for place in [&used, &unused] {
        adopt(place, state.path());
    }
    assert!(used.cluster("kt-1").is_file() && !unused.cluster("kt-1").exists());
    assert_eq!(Run::of(gather(&used, false).unwrap()).clusters(), (0, 1, 0));
    let before = size(&used);
    chronicle.note(&ClusterEvent::Checked);
    adopt(&used, state.path());
    assert!(size(&used) > before, "what happened since is taken over as well");
    fs::remove_dir_all(&folder).unwrap();
    adopt(&used, state.path());
    assert!(used.cluster("kt-1").is_file(), "it stays when the cluster goes");
}

#[test]
fn runs_do_not_mix_and_the_oldest_are_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let runs: Vec<Place> = (0..8).map(|index| run(root.path(), &format!("run-{index}"), 1_000 + index)).collect();
    for (index, place) in runs.iter().enumerate() {
        note(&place.tests().join("1.jsonl"), &[began(&format!("shop::test_{index}"), dead())]);
    }
    let front = |text: &str| fs::read_to_string(root.path().join("report.html")).unwrap().contains(text);
    write(&runs[7], true).unwrap();
    write(&runs[3], true).unwrap();
    assert!(front("test_7") && !front("test_3"), "while both go on, the page is the later one's");
    write(&runs[3], false).unwrap();
    assert!(front("test_3") && !front("test_7"), "who is over has the page");
    assert!(front("href=\"./runs/run-7/report.html\""), "and it leads to the other");
    let held = fs::File::create(runs[0].reporter_lock()).unwrap();
    held.lock().unwrap();
    forget_old(root.path()).unwrap();
    let left: Vec<bool> = runs.iter().map(|place| place.path().exists()).collect();
    assert_eq!(left, [true, false, false, true, true, true, true, true], "the first has a reporter");
}

#[test]
fn the_report_is_written_anew_from_the_last_run() {
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(rewrite(root.path()), Err(RewriteError::NoRecords(_))));
    let old = run(root.path(), "old", 1);
    let new = run(root.path(), "new", 2);
    note(&old.tests().join("1.jsonl"), &[began("shop::of_the_first", dead())]);
    note(&new.tests().join("1.jsonl"), &[began("shop::of_the_second", dead())]);
    // A folder without a head is no run.
    fs::create_dir(root.path().join("runs/rubbish")).unwrap();
    let page = fs::read_to_string(rewrite(root.path()).unwrap()).unwrap();
    assert!(page.contains("of_the_second") && !page.contains("of_the_first"), "{page}");
}
