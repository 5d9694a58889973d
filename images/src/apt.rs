//! Which Debian archives the building machine uses, read from its own apt configuration: a mirror that works here is
//! one that somebody configured here.

use std::{fs, io, path::Path};

/// The parts of this machine's apt sources that offer the suite's main component, as texts that apt understands:
/// one-line entries first, paragraphs second. Empty where there are none.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sources {
    /// `deb …` lines.
    lines: Vec<String>,
    /// Paragraphs of the newer format.
    paragraphs: Vec<String>,
}

/// Reads what lies below `apt` (`/etc/apt`). Files that cannot be read count as absent.
fn sources(apt: &Path, suite: &str) -> Sources {
    let mut files = vec![apt.join("sources.list")];
    let mut more: Vec<_> = fs::read_dir(apt.join("sources.list.d"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    more.sort();
    files.append(&mut more);
    let mut found = Sources::default();
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => found.lines.extend(lines(&text, suite)),
            Some("sources") => found.paragraphs.extend(paragraphs(&text, suite)),
            _ => {}
        }
    }
    found
}

/// This machine's sources of a Debian release, as mmdebstrap's last arguments; none where there are none, and then it has a
/// mirror of its own. `apt` is `/etc/apt`; a file may be written to `work`, which is there while mmdebstrap runs.
///
/// # Errors
/// When that file cannot be written.
pub fn debian_mirrors(apt: &Path, suite: &str, work: &Path) -> io::Result<Vec<String>> {
    let Sources { lines: mut mirrors, paragraphs } = sources(apt, suite);
    if !paragraphs.is_empty() {
        let path = work.join("debian.sources");
        fs::write(&path, paragraphs.join("\n"))?;
        mirrors.push(path.display().to_string());
    }
    Ok(mirrors)
}

/// `deb [options] URI SUITE COMPONENT…`
fn lines(text: &str, suite: &str) -> Vec<String> {
    let wanted = |line: &&str| {
        let Some(rest) = line.strip_prefix("deb ") else { return false };
        let rest = rest.trim_start();
        let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
        let words: Vec<&str> = rest.split_whitespace().collect();
        matches!(words.as_slice(), [uri, of, components @ ..]
            if is_debian(uri) && is_suite(of, suite) && components.contains(&"main"))
    };
    text.lines().map(str::trim).filter(wanted).map(str::to_owned).collect()
}

/// Paragraphs of `Field: value` lines, continued by indentation.
fn paragraphs(text: &str, suite: &str) -> Vec<String> {
    let bare: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let wanted = |paragraph: &&[&str]| {
        let field = |name: &str| {
            let value = paragraph.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().split_whitespace().collect::<Vec<_>>()
        };
        field("Types").contains(&"deb")
            && field("Enabled") != ["no"]
            && field("URIs").iter().any(|uri| is_debian(uri))
            && field("Suites").iter().any(|of| is_suite(of, suite))
            && field("Components").contains(&"main")
    };
    bare.split(|line| line.trim().is_empty()).filter(wanted).map(|lines| lines.join("\n") + "\n").collect()
}

/// Other vendors name their suites after Debian's too.
fn is_debian(uri: &str) -> bool {
    uri.trim_end_matches('/').rsplit('/').any(|part| part == "debian" || part == "debian-security")
}

fn is_suite(found: &str, suite: &str) -> bool {
    found.strip_prefix(suite).is_some_and(|rest| ["", "-updates", "-security"].contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_sources_of_the_suite_are_taken_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let more = folder.path().join("sources.list.d");
        fs::create_dir(&more).unwrap();
        let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
        write(
            &folder.path().join("sources.list"),
            "deb http://m.example/debian bookworm main contrib\ndeb [arch=amd64 signed-by=/k] https://m.example/debian/ bookworm-updates main\n\
             # deb http://m.example/debian bookworm main\ndeb http://m.example/debian trixie main\ndeb-src http://m.example/debian bookworm main\n",
        );
        write(&more.join("vendor.list"), "deb https://vendor.example/apt bookworm main\n");
        write(
            &more.join("debian.sources"),
            "Types: deb\n# a comment\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\n\n\
             Types: deb\nURIs: http://vendor.example/node\nSuites: bookworm\nComponents: main\n\n\
             Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n",
        );
        write(&more.join("debian.sources.disabled"), "Types: deb\n");
        assert_eq!(
            sources(folder.path(), "bookworm"),
            Sources {
                lines: vec![
                    "deb http://m.example/debian bookworm main contrib".into(),
                    "deb [arch=amd64 signed-by=/k] https://m.example/debian/ bookworm-updates main".into(),
                ],
                paragraphs: vec![
                    "Types: deb\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\n"
                        .into()
                ],
            }
        );
    }

    #[test]
    fn a_machine_without_apt_has_none() {
        assert_eq!(sources(Path::new("/nonexistent"), "bookworm"), Sources::default());
    }
}
