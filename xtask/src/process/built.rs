//! What cargo's messages say of a build.

use std::path::{Path, PathBuf};

/// The program that cargo's JSON messages name for a source file, such as `bench/tests/lease.rs`: packages may have targets of
/// one name.
pub fn program_of(printed: &str, source: &str) -> Option<PathBuf> {
    let messages = printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let is_meant = |path: &str| Path::new(path).ends_with(source);
    let mut of_source = messages.filter(|message| message["target"]["src_path"].as_str().is_some_and(is_meant));
    of_source.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_of_the_source_file() {
        let printed = r#"{"target":{"name":"serde","src_path":"/serde/src/lib.rs"},"executable":null}
{"target":{"name":"suite","src_path":"/w/cli/tests/suite.rs"},"executable":"/target/debug/deps/suite-1"}
{"target":{"name":"suite","src_path":"/w/suite/tests/suite.rs"},"executable":"/target/debug/deps/suite-2"}
{"reason":"build-finished"}"#;
        assert_eq!(program_of(printed, "suite/tests/suite.rs"), Some(PathBuf::from("/target/debug/deps/suite-2")));
        assert_eq!(program_of(printed, "tests/lease.rs"), None);
    }
}
