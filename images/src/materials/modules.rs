//! The Go modules in a program, as Go's linker wrote them into it. Pure functions.

use std::collections::{BTreeMap, BTreeSet};

/// A published module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Module {
    pub(super) path: String,
    pub(super) version: String,
    /// The checksum that Go computed of it; `None` where it was built from a folder with dependencies.
    pub(super) sum: Option<String>,
}

impl Module {
    /// As Go's commands take it.
    pub(super) fn query(&self) -> String {
        format!("{}@{}", self.path, self.version)
    }
}

/// What one program consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The version of Go, with its standard library, such as `1.26.8`.
    pub(super) go: String,
    /// The published modules.
    pub(super) modules: BTreeSet<Module>,
    /// Whether there are modules in it that lay in a folder when it was built.
    pub(super) has_local: bool,
}

/// Reads what `go version -m FOLDER...` prints: programs by name. What is no program of Go's is not in it.
pub(super) fn read(printed: &str) -> BTreeMap<String, Contents> {
    let mut programs: BTreeMap<String, Contents> = BTreeMap::new();
    let mut name = String::new();
    let mut lines = printed.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with('\t') {
            // A version that is not released has more words.
            let Some((path, version)) = line.rsplit_once(": ") else { continue };
            let go = version.split_whitespace().find_map(|word| word.strip_prefix("go")).unwrap_or(version);
            path.rsplit('/').next().unwrap_or(path).clone_into(&mut name);
            let (go, modules) = (go.to_owned(), BTreeSet::new());
            programs.insert(name.clone(), Contents { go, modules, has_local: false });
            continue;
        }
        let is_replacement = |next: &&str| next.starts_with("\t=>\t");
        let Some(contents) = programs.get_mut(&name) else { continue };
        if !line.starts_with("\tmod\t") && !line.starts_with("\tdep\t") {
            continue;
        }
        // The main module of a folder may have the version of a commit, which nobody published.
        let is_dependency = line.starts_with("\tdep\t");
        // A replacement is what was built, in a line of its own.
        let line = lines.next_if(is_replacement).unwrap_or(line);
        match line.split('\t').skip(2).collect::<Vec<_>>().as_slice() {
            [path, version, rest @ ..] if is_published(path, version) && (is_dependency || has_sum(rest)) => {
                let sum = rest.first().filter(|sum| !sum.is_empty()).map(|sum| (*sum).to_owned());
                contents.modules.insert(Module { path: (*path).to_owned(), version: (*version).to_owned(), sum });
            }
            _ => contents.has_local = true,
        }
    }
    programs
}

fn has_sum(rest: &[&str]) -> bool {
    rest.first().is_some_and(|sum| !sum.is_empty())
}

/// Whether it is no folder of the building machine.
fn is_published(path: &str, version: &str) -> bool {
    version.starts_with('v') && !path.starts_with(['.', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str, version: &str, sum: &str) -> Module {
        Module { path: path.to_owned(), version: version.to_owned(), sum: Some(sum.to_owned()) }
    }

    #[test]
    fn replacements_take_the_place_of_what_they_replace() {
        let printed = "/a/kubelet: go1.26.8\n\tpath\tk8s.io/kubernetes/cmd/kubelet\n\tmod\tk8s.io/kubernetes\tv1.37.2\th1:c=\n\
                       \tdep\tcel.dev/expr\tv0.25.1\th1:a=\n\tdep\tk8s.io/api\tv0.0.0\n\t=>\tk8s.io/api\tv0.37.2\th1:b=\n\
                       \tbuild\t-compiler=gc\n/a/ctr: go1.25.1\n\tmod\tctr\tv1\th1:d=\n";
        let programs = read(printed);
        assert_eq!(programs.keys().collect::<Vec<_>>(), ["ctr", "kubelet"]);
        let kubelet = &programs["kubelet"];
        assert_eq!(kubelet.go, "1.26.8");
        let expected = [
            module("cel.dev/expr", "v0.25.1", "h1:a="),
            module("k8s.io/api", "v0.37.2", "h1:b="),
            module("k8s.io/kubernetes", "v1.37.2", "h1:c="),
        ];
        assert_eq!(kubelet.modules, expected.into());
        assert!(!kubelet.has_local);
    }

    #[test]
    fn folders_are_local() {
        let printed = "a: go1.26\n\tmod\tk8s.io/kubernetes\t(devel)\t\n\tdep\tk8s.io/api\tv0.0.0\n\t=>\t./staging/src/k8s.io/api\t(devel)\t\n\
                       b: devel go1.27-abc Mon Jan 1\n\tdep\tk8s.io/api\tv0.0.0\n\t=>\t./staging/src/k8s.io/api\t\n";
        let programs = read(printed);
        assert!(programs.values().all(|contents| contents.has_local && contents.modules.is_empty()), "{programs:?}");
        assert_eq!(programs["b"].go, "1.27-abc");
    }

    #[test]
    fn the_version_of_a_commit_is_no_published_one() {
        let contents = &read("a: go1.26\n\tmod\tk8s.io/kubernetes\tv1.37.3+dirty\t\n")["a"];
        assert!(contents.has_local && contents.modules.is_empty(), "{contents:?}");
    }

    #[test]
    fn dependencies_in_a_folder_have_no_checksum_and_count_all_the_same() {
        let contents = &read("a: go1.26\n\tmod\tk8s.io/kubernetes\t(devel)\n\tdep\tcel.dev/expr\tv0.25.1\n")["a"];
        let path = "cel.dev/expr".to_owned();
        assert_eq!(contents.modules, [Module { path, version: "v0.25.1".to_owned(), sum: None }].into());
    }

    #[test]
    fn what_is_no_program_of_gos_has_nothing() {
        assert!(read("").is_empty());
        let programs = read("/bin/sh: not a Go executable\n/a/ctr: go1.25.1\n\tmod\tctr\tv1\th1:d=\n");
        assert!(programs["sh"].modules.is_empty() && programs["ctr"].modules.len() == 1);
    }
}
