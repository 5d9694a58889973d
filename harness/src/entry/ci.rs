//! What CI systems read in the output of a failed test: where it stands, and what to keep with it. Pure.

use std::path::Path;

use kind_core::settings::Ci;

/// How much of a reason is told, in characters: the page of a run is no log.
const MOST: usize = 4_000;

/// The line for that system; nothing where there is nothing to say.
pub(super) fn line(
    ci: Ci,
    test: &str,
    reason: &str,
    (file, line): (&str, u32),
    bundle: Option<&Path>,
) -> Option<String> {
    match ci {
        Ci::GitHub => {
            let reason: String = reason.chars().take(MOST).collect();
            let [file, title] = [file, test].map(|text| escaped(text).replace(':', "%3A").replace(',', "%2C"));
            Some(format!("::error file={file},line={line},title={title}::{}", escaped(&reason)))
        }
        // The plugin "JUnit Attachments" looks for it in the output that a report has of a test.
        Ci::Jenkins => bundle.map(|path| format!("[[ATTACHMENT|{}]]", path.display())),
    }
}

/// As GitHub has values in a line.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_gets_one_line_whatever_the_reason_holds() {
        let told = line(Ci::GitHub, "shop::orders,2", "100% wrong:\r\nsee below", ("tests/a:b.rs", 7), None).unwrap();
        let expected = "::error file=tests/a%3Ab.rs,line=7,title=shop%3A%3Aorders%2C2::100%25 wrong:%0D%0Asee below";
        assert_eq!(told, expected);
        let long = line(Ci::GitHub, "a", &"ä".repeat(MOST + 1), ("a.rs", 1), None).unwrap();
        assert!(long.ends_with(&"ä".repeat(MOST)) && !long.ends_with(&"ä".repeat(MOST + 1)));
    }

    #[test]
    fn jenkins_gets_what_there_is() {
        let told = |bundle| line(Ci::Jenkins, "a", "b", ("a.rs", 1), bundle);
        assert_eq!(told(Some(Path::new("/out/a/summary.txt"))).as_deref(), Some("[[ATTACHMENT|/out/a/summary.txt]]"));
        assert_eq!(told(None), None);
    }
}
