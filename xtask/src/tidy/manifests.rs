//! The rule for Cargo manifests: one crate talks to Docker.

use std::path::Path;

use super::Violation;

/// The client library for Docker.
const CLIENT: &str = "bollard";

/// Whether a member's manifest has what only `engine/Cargo.toml` may have. The root manifest only pins its version.
pub(super) fn check(path: &Path, text: &str) -> Vec<Violation> {
    if path == Path::new("Cargo.toml") || path == Path::new("engine/Cargo.toml") {
        return Vec::new();
    }
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default()));
    let with_client = lines.filter(|(_, line)| line.contains(CLIENT));
    with_client
        .map(|(line, _)| Violation::new(path, line, "only `engine` talks to Docker: use `kind-engine`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engine_has_the_client() {
        let text = "[dependencies]\nbollard.workspace = true\n";
        assert_eq!(check(Path::new("engine/Cargo.toml"), text), []);
        assert_eq!(check(Path::new("harness/Cargo.toml"), text).len(), 1);
        assert_eq!(check(Path::new("harness/Cargo.toml"), "# not bollard\n"), []);
    }
}
