//! Files and folders of this machine that kubectl's arguments name: collected for the node where kubectl runs, and the
//! arguments changed to name them there.
//!
//! What is not there on this machine stays as it is: it may be a URL, a path in the node, or a mistake that kubectl explains.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kind_engine::NodeFile;

use crate::{failure::Failure, kubectl_words};

/// Flags whose value is a path, or several with commas between them.
const FLAGS: [&str; 9] =
    ["-f", "--filename", "-k", "--kustomize", "--patch-file", "--from-env-file", "--cert", "--key", "--custom"];
/// Flags whose value may be a form of output that is in a file, as `-o jsonpath-file=x`.
const OUTPUT: [&str; 2] = ["-o", "--output"];
/// Flags of one letter without a value that may stand before one with a path in the same word, as `-Rf`.
const SHORT: &str = "RwAitq";
/// The flag whose value is a path with an optional name and `=` in front.
const NAMED: &str = "--from-file";
/// Manifests are small; more than this is a folder that was not meant.
const LIMIT: u64 = 64 << 20;

/// What kubectl gets.
#[derive(Debug)]
pub(crate) struct Local {
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Files that they name.
    pub(crate) files: Vec<NodeFile>,
}

/// Collects the files for a folder of the node.
pub(crate) fn collect(arguments: Vec<String>, folder: &str) -> Result<Local, Failure> {
    let mut collector = Collector { folder, count: 0, files: Vec::new(), size: 0 };
    let at = kubectl_words::command(&arguments);
    let command = at.map(|at| arguments[at].clone()).unwrap_or_default();
    // `logs -f` follows.
    if command == "logs" {
        return Ok(Local { arguments, files: Vec::new() });
    }
    let mut changed = Vec::with_capacity(arguments.len());
    let mut words = arguments.into_iter().enumerate();
    let mut is_folder_wanted = command == "kustomize";
    while let Some((index, word)) = words.next() {
        // What comes after it is another command's.
        if word == "--" {
            changed.push(word);
            break;
        }
        if takes_path(&word) {
            let value = words.next().map(|(_, value)| collector.value(&word, &value)).transpose()?;
            changed.push(word);
            changed.extend(value);
        } else if let Some((flag, value)) = split(&word) {
            let value = collector.value(flag, value)?;
            changed.push(format!("{flag}{value}"));
        } else if is_folder_wanted && at.is_some_and(|at| index > at) && !word.starts_with('-') {
            // The one command that takes a path without a flag.
            changed.push(collector.path(&word)?);
            is_folder_wanted = false;
        } else {
            changed.push(word);
        }
    }
    let words = words.map(|(_, word)| word);
    changed.extend(words);
    Ok(Local { arguments: changed, files: collector.files })
}

/// Whether the next word is the value of this flag, and can be a path.
fn takes_path(word: &str) -> bool {
    word == NAMED || FLAGS.contains(&word) || OUTPUT.contains(&word) || matches!(after_short(word), Some((_, "")))
}

/// A flag that has its value in the same word, with all that stands before the value, and the value.
fn split(word: &str) -> Option<(&str, &str)> {
    if let Some((flag, value)) = word.split_once('=')
        && (flag == NAMED || FLAGS.contains(&flag) || OUTPUT.contains(&flag))
    {
        return Some((&word[..=flag.len()], value));
    }
    let (flag, value) = after_short(word)?;
    // `-f=x` is `-f x`.
    let equals = usize::from(value.starts_with('='));
    Some((&word[..flag.len() + equals], &value[equals..]))
}

/// `-f`, `-k` or `-o`, perhaps after flags without a value, and what follows it in the word.
fn after_short(word: &str) -> Option<(&str, &str)> {
    let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    let at = letters.find(|letter| !SHORT.contains(letter))?;
    let end = at + 2;
    ["f", "k", "o"].into_iter().any(|flag| letters[at..].starts_with(flag)).then(|| word.split_at(end))
}

struct Collector<'a> {
    folder: &'a str,
    count: usize,
    files: Vec<NodeFile>,
    size: u64,
}

impl Collector<'_> {
    fn value(&mut self, flag: &str, value: &str) -> Result<String, Failure> {
        let flag = flag.trim_end_matches('=');
        if flag == OUTPUT[1] || (!flag.starts_with("--") && flag.ends_with('o')) {
            return Ok(match value.split_once("-file=") {
                Some((form, path)) => format!("{form}-file={}", self.path(path)?),
                None => value.to_owned(),
            });
        }
        if flag == NAMED {
            return Ok(match value.split_once('=') {
                Some((name, path)) => format!("{name}={}", self.path(path)?),
                None => self.path(value)?,
            });
        }
        let paths: Result<Vec<String>, Failure> = value.split(',').map(|path| self.path(path)).collect();
        Ok(paths?.join(","))
    }

    /// The path in the node of a path of this machine; the path itself where that is not there.
    fn path(&mut self, path: &str) -> Result<String, Failure> {
        let local = Path::new(path);
        if path == "-" || !local.exists() {
            return Ok(path.to_owned());
        }
        // Names matter: kubectl makes keys and kinds of files of them. `.` and `..` have none.
        let name = local.file_name().map_or_else(|| "folder".into(), |name| name.to_string_lossy());
        let there = format!("{}/{}/{name}", self.folder, self.count);
        self.count += 1;
        let before = self.files.len();
        self.add(local, local, &there)?;
        // An empty folder is nothing that can be sent; kubectl says what it thinks of one.
        Ok(if self.files.len() == before { path.to_owned() } else { there })
    }

    fn add(&mut self, named: &Path, local: &Path, there: &str) -> Result<(), Failure> {
        let facts = fs::metadata(local).map_err(|source| unreadable(local, source))?;
        if facts.is_dir() {
            let list = || fs::read_dir(local)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
            let mut entries = list().map_err(|source| unreadable(local, source))?;
            entries.sort();
            for entry in entries {
                let name = entry.file_name().unwrap_or_default().to_string_lossy();
                self.add(named, &entry, &format!("{there}/{name}"))?;
            }
            return Ok(());
        }
        self.size += facts.len();
        if self.size > LIMIT {
            return Err(Failure::TooMuch { path: named.to_owned(), limit: LIMIT });
        }
        let content = fs::read(local).map_err(|source| unreadable(local, source))?;
        self.files.push(NodeFile::secret(there, content));
        Ok(())
    }
}

fn unreadable(path: &Path, source: io::Error) -> Failure {
    Failure::LocalFile { action: "read", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A folder with a file, and a folder of two files in another.
    fn local() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.yaml"), "a").unwrap();
        fs::create_dir_all(root.path().join("many/more")).unwrap();
        fs::write(root.path().join("many/b.yaml"), "b").unwrap();
        fs::write(root.path().join("many/more/c.yaml"), "c").unwrap();
        root
    }

    /// The arguments, with `@` for the folder of this machine; what they become, and the files in the node.
    fn collected(arguments: &str) -> (String, Vec<String>) {
        let root = local();
        let folder = root.path().display().to_string();
        let arguments = arguments.split(' ').map(|word| word.replace('@', &folder)).collect();
        let local = collect(arguments, "/there").unwrap();
        let files = local.files.into_iter().map(|file| file.path).collect();
        (local.arguments.join(" ").replace(&folder, "@"), files)
    }

    #[rstest]
    #[case("apply -f @/a.yaml", "apply -f /there/0/a.yaml")]
    #[case("apply -f@/a.yaml", "apply -f/there/0/a.yaml")]
    #[case("apply -f=@/a.yaml", "apply -f=/there/0/a.yaml")]
    #[case("apply --filename=@/a.yaml --wait", "apply --filename=/there/0/a.yaml --wait")]
    #[case("apply -f @/a.yaml,@/a.yaml", "apply -f /there/0/a.yaml,/there/1/a.yaml")]
    #[case("create configmap x --from-file=@/a.yaml", "create configmap x --from-file=/there/0/a.yaml")]
    #[case("create configmap x --from-file k=@/a.yaml", "create configmap x --from-file k=/there/0/a.yaml")]
    #[case("apply -Rf @/a.yaml", "apply -Rf /there/0/a.yaml")]
    #[case("apply -Rf@/a.yaml", "apply -Rf/there/0/a.yaml")]
    #[case("-n logs apply -f @/a.yaml", "-n logs apply -f /there/0/a.yaml")]
    #[case("apply -n logs -f @/a.yaml", "apply -n logs -f /there/0/a.yaml")]
    #[case("--namespace logs label -f @/a.yaml kind=logs", "--namespace logs label -f /there/0/a.yaml kind=logs")]
    #[case("create configmap logs --from-file=@/a.yaml", "create configmap logs --from-file=/there/0/a.yaml")]
    #[case("create configmap logs --from-file=exec=@/a.yaml", "create configmap logs --from-file=exec=/there/0/a.yaml")]
    #[case("kustomize @/many/more", "kustomize /there/0/more")]
    #[case("kustomize --enable-helm @/many/more", "kustomize --enable-helm /there/0/more")]
    #[case("get pods -o jsonpath-file=@/a.yaml", "get pods -o jsonpath-file=/there/0/a.yaml")]
    #[case("get pods -o=custom-columns-file=@/a.yaml", "get pods -o=custom-columns-file=/there/0/a.yaml")]
    #[case("get pods --output=go-template-file=@/a.yaml", "get pods --output=go-template-file=/there/0/a.yaml")]
    #[case("get pods -ojson", "get pods -ojson")]
    #[case("--context @/a.yaml logs -f pod", "--context @/a.yaml logs -f pod")]
    #[case("-n x logs -f @/a.yaml", "-n x logs -f @/a.yaml")]
    #[case("apply -f -", "apply -f -")]
    #[case("apply -f", "apply -f")]
    #[case("apply -f https://example.org/a.yaml", "apply -f https://example.org/a.yaml")]
    #[case("apply -f @/absent.yaml", "apply -f @/absent.yaml")]
    #[case("logs -f @/a.yaml", "logs -f @/a.yaml")]
    #[case("exec x -- test -f @/a.yaml", "exec x -- test -f @/a.yaml")]
    #[case("get pods -o wide", "get pods -o wide")]
    fn arguments_name_what_is_there(#[case] given: &str, #[case] expected: &str) {
        let (arguments, files) = collected(given);
        assert_eq!(arguments, expected);
        assert_eq!(files.len(), arguments.matches("/there/").count());
    }

    #[test]
    fn a_folder_comes_whole() {
        let (arguments, files) = collected("apply -R -f @/many");
        assert_eq!(arguments, "apply -R -f /there/0/many");
        assert_eq!(files, ["/there/0/many/b.yaml", "/there/0/many/more/c.yaml"]);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = fs::File::create(root.path().join("big")).unwrap();
        file.set_len(LIMIT + 1).unwrap();
        let arguments = ["apply", "-f", root.path().to_str().unwrap()].map(str::to_owned).to_vec();
        let error = collect(arguments, "/there").unwrap_err().to_string();
        assert!(error.contains("more than 64 MiB"), "{error}");
    }
}
