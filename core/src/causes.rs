//! An error with all its causes, as text: each says only what it knows itself.

use std::{error::Error, fmt::Write as _, iter::successors};

/// In one line: what failed, why, and why that.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    for cause in successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        // A transparent error is its own cause.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A line for each cause, for people.
pub fn lines(error: &dyn Error) -> String {
    let mut text = error.to_string();
    for cause in successors(error.source(), |&cause| cause.source()) {
        // Writing to a text does not fail.
        let _ = write!(text, "\n  caused by: {cause}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error(transparent)]
        Io(#[from] std::io::Error),
        #[error("read the file")]
        Read(#[source] Box<Failure>),
    }

    #[test]
    fn every_cause_is_told_once() {
        let error = Failure::Read(Box::new(Failure::Io(std::io::Error::other("the disk is gone"))));
        assert_eq!(chain(&error), "read the file: the disk is gone");
        assert_eq!(lines(&error), "read the file\n  caused by: the disk is gone");
    }
}
