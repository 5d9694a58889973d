//! An error as text: what went wrong, then each cause once, then what to do.

use std::{error::Error, fmt::Write as _};

/// The whole report.
pub(super) fn text(error: &dyn Error, hint: Option<&str>) -> String {
    let mut text = format!("error: {error}");
    for cause in causes(error) {
        let _ = write!(text, "\n  because: {}", cause.replace('\n', "\n  "));
    }
    if let Some(hint) = hint {
        let _ = write!(text, "\n  hint: {hint}");
    }
    text
}

/// Each cause once, the nearest first.
pub(super) fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some libraries repeat their source in their own words.
        if !words.is_empty() && !last.contains(&words) {
            causes.push(words.clone());
            last = words;
        }
        cause = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Link {
        words: &'static str,
        source: Option<Box<Link>>,
    }

    #[test]
    fn every_cause_is_told_once() {
        let bottom = Link { words: "no such file", source: None };
        let repeating = Link { words: "os: no such file", source: Some(Box::new(bottom)) };
        let top = Link { words: "read x", source: Some(Box::new(repeating)) };
        assert_eq!(text(&top, Some("make it")), "error: read x\n  because: os: no such file\n  hint: make it");
    }
}
