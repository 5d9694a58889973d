//! Of everything that the suite printed, what belongs to one spec. Pure functions.

/// The line between two parts of the suite's output.
pub(crate) const SEPARATOR: &str = "------------------------------";
/// Where the suite begins to describe every node and pod that there is. The harness' bundle has that.
const DUMP: &str = "STEP: dump namespace information after failure";
/// How upstream's suite says what its run is called.
const RUN: &str = "Starting e2e run \"";
/// How many lines a reader gets at most, the last ones.
const MOST: usize = 120;

/// The spec's own lines; where there are none, the last lines of all.
pub(crate) fn own_lines(log: &str, upstream: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let part =
        lines.split(|line| *line == SEPARATOR).find(|part| part.first().is_some_and(|line| is_of(line, upstream)));
    let own: Vec<&str> = match part {
        Some(part) => part.iter().take_while(|line| !line.contains(DUMP)).copied().collect(),
        None => lines,
    };
    own[own.len().saturating_sub(MOST)..].join("\n")
}

/// The namespace that a failed spec used, as the suite says it when it looks at its events.
pub(crate) fn namespace(log: &str) -> Option<&str> {
    let (_, rest) = log.split_once("Collecting events from namespace \"")?;
    Some(rest.split_once('"')?.0)
}

/// What tells this process of the suite, and everything that it made, from others.
pub(crate) fn run(log: &str) -> Option<&str> {
    let (_, rest) = log.split_once(RUN)?;
    Some(rest.split_once('"')?.0)
}

/// The line that says so, with its end; nothing where there is none.
pub(crate) fn head(log: &str) -> String {
    log.lines().find(|line| line.contains(RUN)).map(|line| format!("{line}\n")).unwrap_or_default()
}

/// Whether a part's first line names the spec. Its labels follow.
fn is_of(line: &str, upstream: &str) -> bool {
    let mut words = line.split_whitespace();
    upstream.split_whitespace().all(|word| words.next() == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "[sig-a] B works [Conformance]";

    fn log() -> String {
        let parts = [
            "Running Suite",
            "[BeforeSuite]\nwaited",
            "[sig-a] B  works [Conformance] [sig-a, Conformance]\na.go:7\n  STEP: one\n  [FAILED] x\n  STEP: dump namespace information after failure @ 1\n  STEP: Collecting events from namespace \"b-12\". @ 1\n  a lot",
            "the end",
        ];
        parts.join(&format!("\n{SEPARATOR}\n"))
    }

    #[test]
    fn a_specs_lines_end_where_the_cluster_is_described() {
        let own = own_lines(&log(), NAME);
        assert!(own.starts_with("[sig-a] B") && own.ends_with("[FAILED] x"), "{own}");
    }

    #[test]
    fn without_a_part_of_its_own_the_end_is_quoted() {
        assert!(own_lines(&log(), "[sig-a] other").ends_with("the end"));
    }

    #[test]
    fn the_namespace_is_the_one_whose_events_were_collected() {
        assert_eq!(namespace(&log()), Some("b-12"));
        assert_eq!(namespace("STEP: done"), None);
    }

    #[test]
    fn a_process_says_how_its_run_is_called() {
        let line = "I1125 03:00:00 7 e2e.go:109] Starting e2e run \"0af3-9\" on Ginkgo node 1\n";
        assert_eq!(run(line), Some("0af3-9"));
        assert_eq!(head(&format!("one\n{line}two\n")), line);
        assert_eq!((run("Running Suite"), head("Running Suite").as_str()), (None, ""));
    }
}
