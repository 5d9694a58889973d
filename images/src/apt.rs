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
fn sources(apt: &Path, lists: &Path, suite: &str) -> Sources {
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
            Some("list") => found.lines.extend(lines(&text, lists, suite)),
            Some("sources") => found.paragraphs.extend(paragraphs(&text, lists, suite)),
            _ => {}
        }
    }
    found
}

/// This machine's sources of a Debian release, as mmdebstrap's last arguments; none where there are none, and then it has a
/// mirror of its own. `apt` is `/etc/apt`, `lists` is `/var/lib/apt/lists`, where apt keeps what sources say of themselves; a file may be written to `work`, which is there while mmdebstrap runs.
///
/// # Errors
/// When that file cannot be written.
pub fn debian_mirrors(apt: &Path, lists: &Path, suite: &str, work: &Path) -> io::Result<Vec<String>> {
    let Sources { lines: mut mirrors, paragraphs } = sources(apt, lists, suite);
    if !paragraphs.is_empty() {
        let path = work.join("debian.sources");
        fs::write(&path, paragraphs.join("\n"))?;
        mirrors.push(path.display().to_string());
    }
    Ok(mirrors)
}

/// `deb [options] URI SUITE COMPONENT…`
fn lines(text: &str, lists: &Path, suite: &str) -> Vec<String> {
    let wanted = |line: &&str| {
        let Some(rest) = line.strip_prefix("deb ") else { return false };
        let rest = rest.trim_start();
        let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
        let words: Vec<&str> = rest.split_whitespace().collect();
        matches!(words.as_slice(), [uri, of, components @ ..]
            if is_debian(lists, uri, of) && is_suite(of, suite) && components.contains(&"main"))
    };
    text.lines().map(str::trim).filter(wanted).map(str::to_owned).collect()
}

/// Paragraphs of `Field: value` lines, continued by indentation.
fn paragraphs(text: &str, lists: &Path, suite: &str) -> Vec<String> {
    let bare: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let wanted = |paragraph: &&[&str]| {
        let field = |name: &str| {
            let value = paragraph.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().split_whitespace().collect::<Vec<_>>()
        };
        field("Types").contains(&"deb")
            && field("Enabled") != ["no"]
            && field("URIs").iter().any(|uri| field("Suites").iter().any(|of| is_debian(lists, uri, of)))
            && field("Suites").iter().any(|of| is_suite(of, suite))
            && field("Components").contains(&"main")
    };
    bare.split(|line| line.trim().is_empty()).filter(wanted).map(|lines| lines.join("\n") + "\n").collect()
}

/// Other vendors name their suites after Debian's too. What a source says of itself counts; of one that apt has not fetched
/// yet, its path does.
fn is_debian(lists: &Path, uri: &str, suite: &str) -> bool {
    if let Some(origin) = origin(lists, uri, suite) {
        return origin == "Debian";
    }
    uri.trim_end_matches('/').rsplit('/').any(|part| part == "debian" || part == "debian-security")
}

/// Who is behind a source, by the index that apt keeps of it.
fn origin(lists: &Path, uri: &str, suite: &str) -> Option<String> {
    let (_, address) = uri.split_once("://")?;
    // Without a user's name and password, as apt names its files.
    let address = address.split_once('@').map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let name = format!("{address}/dists/{suite}").replace('_', "%5f").replace('/', "_");
    let text = ["InRelease", "Release"].iter().find_map(|end| fs::read(lists.join(format!("{name}_{end}"))).ok())?;
    let text = String::from_utf8_lossy(&text);
    text.lines().find_map(|line| line.strip_prefix("Origin:")).map(|origin| origin.trim().to_owned())
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
            sources(folder.path(), &folder.path().join("lists"), "bookworm"),
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
        assert_eq!(sources(Path::new("/nonexistent"), Path::new("/nonexistent"), "bookworm"), Sources::default());
    }

    #[test]
    fn a_mirror_is_known_by_what_it_says_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let lists = folder.path().join("lists");
        fs::create_dir(&lists).unwrap();
        let say = |name: &str, origin: &str| {
            fs::write(lists.join(name), format!("-----BEGIN PGP SIGNED MESSAGE-----\nOrigin: {origin}\n")).unwrap();
        };
        say("mirror.corp_apt%5fproxy_bookworm-mirror_dists_bookworm_InRelease", "Debian");
        say("mirror.corp_debian_dists_bookworm_Release", "Vendor");
        let ours = "deb https://user:secret@mirror.corp/apt_proxy/bookworm-mirror/ bookworm main";
        let text = format!("{ours}\ndeb http://mirror.corp/debian bookworm main\n");
        fs::write(folder.path().join("sources.list"), text).unwrap();
        let paragraph =
            "Types: deb\nURIs: https://mirror.corp/apt_proxy/bookworm-mirror\nSuites: bookworm\nComponents: main\n";
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        fs::write(folder.path().join("sources.list.d/a.sources"), paragraph).unwrap();
        let found = sources(folder.path(), &lists, "bookworm");
        assert_eq!(found, Sources { lines: vec![ours.to_owned()], paragraphs: vec![paragraph.to_owned()] });
    }
}
