//! The page: small runs against golden files, large ones by their structure, and hostile texts.

use std::path::Path;

use kind_testkit::assert_golden;
use rstest::rstest;

use super::{
    Run,
    model::Records,
    page,
    record::{ClusterEvent, TestEvent},
    samples,
    tries::State,
};

fn render(records: Records) -> String {
    page(&Run::of(records), "")
}

/// The page without its style and script, which are files of their own.
fn markup(page: &str) -> String {
    let without = |text: &str, begin: &str, end: &str| {
        let from = text.find(begin).map(|at| at + begin.len()).unwrap();
        let to = from + text[from..].find(end).unwrap();
        format!("{}…{}", &text[..from], &text[to..])
    };
    let page = without(page, "<style>", "</style>");
    let page = without(&page, "<script>", "</script>");
    let page = without(&page, "'sha256-", "'");
    // A line for each element of a block, so that a difference can be read.
    let blocks = ["<section", "<header", "<details", "<summary", "<div", "<dl", "<li", "<p", "<footer", "<form", "<h"];
    blocks.iter().fold(page, |page, block| page.replace(block, &format!("\n{block}")))
}

#[rstest]
#[case("empty", samples::empty())]
#[case("one", samples::one())]
#[case("odd", samples::odd())]
fn small_runs_look_as_they_did(#[case] name: &str, #[case] records: Records) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/page/golden/{name}.html"));
    assert_golden(file, &markup(&render(records)));
}

#[test]
fn every_state_is_told_apart() {
    let run = Run::of(samples::odd());
    let states = State::ALL.map(|state| run.count(state));
    assert_eq!(states, [2, 1, 1, 1, 1, 3, 1], "{states:?}");
    assert_eq!(run.clusters(), (1, 1, 1));
    let lanes: Vec<(&str, usize)> =
        run.lanes.iter().map(|lane| (lane.cluster.as_ref().unwrap().name.as_str(), lane.tests.len())).collect();
    assert_eq!(lanes, [("kt-03b1f2c4d5", 8), ("kt-c0ffee0123", 1), ("kt-77aa0b1c2d", 1)]);
}

#[test]
fn a_large_run_is_complete_and_small_enough() {
    let records = samples::many(300);
    let names: Vec<String> = records
        .tests
        .iter()
        .filter_map(|test| match &test.lines[0].event {
            TestEvent::Began(subject) => Some(subject.test.clone()),
            _ => None,
        })
        .collect();
    let attempts = names.len();
    let page = render(records);
    assert_eq!(page.matches("<details class=\"test\"").count(), 300);
    assert_eq!(page.matches("class=\"body passed\"").count() + page.matches("class=\"body failed\"").count(), attempts);
    assert_eq!(page.matches("<section class=\"lane\"").count(), 3);
    for name in names {
        let case = name.rsplit("::").next().unwrap();
        assert!(page.contains(&format!("</span>{case}</span>")), "{name}");
    }
    assert!(page.len() < 600_000, "{} bytes", page.len());
    for bar in page.split("style=\"left:").skip(1) {
        let (left, rest) = bar.split_once("%;width:").unwrap_or(("0", "0%"));
        let numbers = [left, rest.split_once('%').unwrap().0].map(|it| it.parse::<f64>().unwrap_or(0.0));
        assert!(numbers[0] >= 0.0 && numbers[0] + numbers[1] <= 100.01, "{bar:.60}");
    }
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = render(samples::odd());
    let begins = |attribute: &str| {
        page.split(&format!(" {attribute}=\"")).skip(1).map(|it| &it[..it.len().min(12)]).collect::<Vec<_>>()
    };
    assert_eq!(begins("src"), [""; 0]);
    for link in begins("href") {
        assert!(link.starts_with("./") || link.starts_with('#'), "{link}");
    }
    assert!(!page.contains("url(") && !page.contains("@import") && !page.contains("<link"));
}

/// Texts that want to be more than text.
const HOSTILE: [&str; 9] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "<!--",
    "&lt;b&gt; &amp; &#60;",
    "javascript:alert(1)",
    "]]>\0\x1b[31m\u{202e}",
    "../../../../etc/passwd",
];

/// Replaces every text that comes from a test, an engine or a file.
fn with_text(mut records: Records, text: &str) -> Records {
    let set = |field: &mut String| text.clone_into(field);
    set(&mut records.head.run);
    set(&mut records.head.harness);
    records.head.settings = vec![(text.to_owned(), text.to_owned())];
    if let Some(machine) = &mut records.machine {
        set(&mut machine.system);
        set(&mut machine.engine);
    }
    for test in &mut records.tests {
        if let Some(bundle) = &mut test.bundle {
            set(&mut bundle.folder);
            bundle.entries.iter_mut().for_each(set);
        }
        for line in &mut test.lines {
            match &mut line.event {
                TestEvent::Began(subject) => {
                    set(&mut subject.package);
                    // Names stay different, or they would be attempts of one test.
                    subject.test = format!("{}{text}", subject.test);
                    set(&mut subject.folder);
                    subject.shape.iter_mut().for_each(|shape| set(&mut shape.label));
                }
                TestEvent::Attached(facts) => {
                    set(&mut facts.image);
                    set(&mut facts.version);
                    set(&mut facts.label);
                    facts.name = format!("{}{text}", facts.name);
                }
                TestEvent::Running { namespace } => namespace.iter_mut().for_each(set),
                TestEvent::Judged { reason, .. } => reason.iter_mut().for_each(set),
                TestEvent::Done => {}
            }
        }
    }
    for cluster in &mut records.clusters {
        if let Some(logs) = &mut cluster.logs {
            set(&mut logs.folder);
            logs.entries.iter_mut().for_each(set);
        }
        for line in &mut cluster.lines {
            match &mut line.event {
                ClusterEvent::Ordered(ordered) => {
                    ordered.cluster = format!("{}{text}", ordered.cluster);
                    set(&mut ordered.image);
                    set(&mut ordered.scope);
                    set(&mut ordered.shape.label);
                }
                ClusterEvent::StepBegan { step } | ClusterEvent::StepEnded { step, .. } => {
                    *step = format!("{step}{text}");
                }
                ClusterEvent::Ready(facts) => {
                    set(&mut facts.image);
                    set(&mut facts.version);
                    set(&mut facts.label);
                    facts.name = format!("{}{text}", facts.name);
                }
                ClusterEvent::Failed { error } => set(error),
                ClusterEvent::Broken { why } | ClusterEvent::Closing { why } | ClusterEvent::Left { why } => set(why),
                ClusterEvent::Kept { tests } => tests.iter_mut().for_each(set),
                ClusterEvent::Creating { .. }
                | ClusterEvent::Checked
                | ClusterEvent::Paused
                | ClusterEvent::Removed => {}
            }
        }
    }
    records.others.iter_mut().for_each(|other| set(&mut other.path));
    records
}

/// The page with a text everywhere has the same tags and attributes as with a harmless one, because nothing of the text
/// is one. So it has as many characters that make them.
fn is_only_text(text: &str) {
    let (harmless, hostile) = (render(with_text(samples::odd(), "x")), render(with_text(samples::odd(), text)));
    // A name is split where lines may break, and that is markup.
    let breaks = |page: &str| page.matches("<wbr>").count() + page.matches("<span class=\"module\">").count() * 2;
    for character in ['<', '>', '"'] {
        let count = |page: &str| page.matches(character).count();
        let of_breaks = if character == '"' { page_quotes } else { breaks };
        assert_eq!(
            count(&hostile) - of_breaks(&hostile),
            count(&harmless) - of_breaks(&harmless),
            "{character} in the page with {text:?}"
        );
    }
    let body = hostile.split("<body>").nth(1).unwrap().split("<script>").next().unwrap();
    for entity in body.split('&').skip(1) {
        assert!(["lt;", "gt;", "amp;", "quot;"].iter().any(|it| entity.starts_with(it)), "&{entity:.12} with {text:?}");
    }
    let odd = |it: char| it.is_control() && it != '\n' && it != '\t' || ('\u{202a}'..='\u{202e}').contains(&it);
    assert_eq!(hostile.chars().find(|it| odd(*it)), None, "{text:?}");
    for link in hostile.split(" href=\"").skip(1) {
        assert!(link.starts_with("./") || link.starts_with("#t"), "{link:.40} with {text:?}");
    }
}

/// The quotes around the class of a module's name.
fn page_quotes(page: &str) -> usize {
    page.matches("<span class=\"module\">").count() * 2
}

#[test]
fn hostile_texts_stay_texts() {
    HOSTILE.into_iter().for_each(is_only_text);
}

#[test]
fn random_texts_stay_texts() {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    println!("seed {seed}");
    let mut state = u64::try_from(seed & u128::from(u64::MAX)).unwrap();
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let letters: Vec<char> = "<>\"'&;/=-!:_ \n\\\0\x1b[m\u{202e}aZ0é日#?%`{}()".chars().collect();
    for _ in 0..60 {
        let length = 1 + random() % 40;
        let text: String = (0..length).map(|_| letters[usize::try_from(random()).unwrap() % letters.len()]).collect();
        is_only_text(&text);
    }
}
