//! Results as one `JUnit` file, with names as upstream's own suite has them in its.

use std::{collections::BTreeMap, time::Duration};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::{catalog::Spec, results::Recorded, run::Failed};

/// How upstream's suite calls itself.
const SUITE: &str = "Kubernetes e2e suite";

/// The text of the file for these specs; one without a result is a skipped test in it.
///
/// # Errors
/// When the text cannot be made, which does not happen with any result.
pub fn junit(
    specs: &[&Spec],
    recorded: &BTreeMap<String, Recorded>,
    failures: &BTreeMap<String, Failed>,
) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(SUITE);
    let mut time = Duration::ZERO;
    for spec in specs {
        let result = recorded.get(spec.test);
        let mut case = TestCase::new(format!("[It] {}", spec.upstream), status(result, failures.get(spec.test)));
        case.set_classname(SUITE);
        if let Some(result) = result {
            case.set_time(result.took);
            time += result.took;
        }
        suite.add_test_case(case);
    }
    suite.set_time(time);
    let mut report = Report::new(SUITE);
    report.set_time(time).add_test_suite(suite);
    report.to_string()
}

fn status(result: Option<&Recorded>, failed: Option<&Failed>) -> TestCaseStatus {
    match result {
        None => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("it was not run");
            status
        }
        Some(Recorded { passed: true, .. }) => TestCaseStatus::success(),
        Some(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(failed) = failed {
                let log = failed.log.display();
                status.set_message(failed.message.lines().next().unwrap_or_default());
                status.set_description(format!("{failed}\neverything that the suite printed: {log}"));
            }
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn a_failure_has_its_own_words_and_the_path_of_the_rest() {
        let specs: Vec<&Spec> = Catalog::newest().specs().iter().take(3).collect();
        let took = Duration::from_millis(1500);
        let recorded = |passed| Recorded { passed, took, process: took, line: 0 };
        let results =
            BTreeMap::from([(specs[0].test.to_owned(), recorded(true)), (specs[1].test.to_owned(), recorded(false))]);
        let failed = Failed {
            upstream: specs[1].upstream.to_owned(),
            message: "expected <1> & got 2\n  at a.go:7".to_owned(),
            printed: "STEP: \u{1b}[1mlook\u{0}".to_owned(),
            log: "/r/e2e.log".into(),
            ..Failed::default()
        };
        let text = junit(&specs, &results, &BTreeMap::from([(specs[1].test.to_owned(), failed)])).unwrap();
        for expected in [
            r#"tests="3" skipped="1" errors="0" failures="1""#,
            &format!(r#"<testcase name="[It] {}" classname="Kubernetes e2e suite" time="1.500"/>"#, specs[0].upstream),
            r#"message="expected &lt;1&gt; &amp; got 2""#,
            "everything that the suite printed: /r/e2e.log",
            r#"<skipped message="it was not run"/>"#,
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(!text.contains(['\u{1b}', '\u{0}']), "XML has no such characters: {text:?}");
    }
}
