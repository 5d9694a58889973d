//! Folders that are meant for kustomize: the folders that they are made of go into a node, whose `kubectl` renders them, so that
//! nothing has to be installed here.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use kind_core::{
    cluster::{Cluster, ClusterError, Node},
    spec::Instance,
};
use kind_engine::{Command, NodeFile};
use serde_yaml::Value;

use super::{
    ApplyError,
    items::{Item, from_yaml, refused},
};

/// Whatever kustomize reads first.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// The fields that name other folders.
const FIELDS: [&str; 3] = ["resources", "bases", "components"];
/// How much all files may have together: it is held in memory.
const MOST: usize = 64 << 20;

/// The folder that is meant for kustomize: this one, or that of this file.
pub(crate) fn folder(path: &Path) -> Option<&Path> {
    if NAMES.iter().any(|name| path.join(name).is_file()) {
        return Some(path);
    }
    let is_named_so = path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known));
    path.parent().filter(|_| is_named_so && path.is_file())
}

/// The objects that kustomize makes of a folder.
pub(crate) async fn render(cluster: &Cluster, path: &Path) -> Result<Vec<Item>, ApplyError> {
    let place = path.display().to_string();
    let tree = Tree::of(path)?;
    let top = format!("/kind/kustomize-{}", Instance::new());
    let there = |path: &Path| format!("{top}{}", path.display());
    let files = tree.files.into_iter().map(|(path, content)| NodeFile::secret(there(&path), content));
    let files: Vec<NodeFile> = files.collect();
    let command = Command::new(["kubectl", "kustomize", &there(&tree.folder)]);
    let mut failed = None;
    for node in cluster.nodes() {
        match rendered(&node, &files, &command, &top).await {
            Ok(output) if output.exit_code == 0 => {
                let items = from_yaml(&place, &String::from_utf8_lossy(&output.stdout))?;
                return if items.is_empty() {
                    Err(refused(&place, "kustomize makes no object of it"))
                } else {
                    Ok(items)
                };
            }
            Ok(output) => {
                // With the paths that they have here.
                let said = String::from_utf8_lossy(&output.stderr).replace(&top, "");
                return Err(refused(&place, format!("kustomize says: {}", said.trim())));
            }
            // It does not run; another does.
            Err(error) => failed = Some(error),
        }
    }
    let out_of_reach = || ClusterError::OutOfReach { cluster: cluster.name().to_owned() };
    Err(failed.unwrap_or_else(out_of_reach).into())
}

async fn rendered(
    node: &Node,
    files: &[NodeFile],
    command: &Command,
    top: &str,
) -> Result<kind_engine::ExecOutput, ClusterError> {
    node.write_files(files).await?;
    let rendered = node.run(command).await;
    node.run(&Command::new(["rm", "-rf", top])).await?;
    rendered
}

/// The files of a kustomization and of the folders that it names.
#[derive(Debug, PartialEq)]
struct Tree {
    /// The whole path of the folder that is asked for.
    folder: PathBuf,
    /// The files, by their whole paths.
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Tree {
    fn of(path: &Path) -> Result<Self, ApplyError> {
        let start = canonical(path)?;
        let (mut folders, mut unread) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(folder) = unread.pop() {
            if folders.insert(folder.clone()) {
                unread.extend(named(&folder)?);
            }
        }
        let mut files = BTreeSet::new();
        for folder in &folders {
            add_files(folder, &mut files)?;
        }
        let (mut read, mut size) = (Vec::new(), 0);
        for file in files {
            let content = fs::read(&file).map_err(unreadable(&file))?;
            size += content.len();
            if size > MOST {
                let problem = format!("the files of its folders have more than {} MiB", MOST >> 20);
                return Err(refused(&path.display().to_string(), problem));
            }
            read.push((file, content));
        }
        Ok(Self { folder: start, files: read })
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ApplyError {
    move |source| ApplyError::Read { path: path.to_owned(), source }
}

fn canonical(path: &Path) -> Result<PathBuf, ApplyError> {
    fs::canonicalize(path).map_err(unreadable(path))
}

/// The folders that a kustomization is made of, apart from its own.
fn named(folder: &Path) -> Result<Vec<PathBuf>, ApplyError> {
    let Some(file) = NAMES.iter().map(|name| folder.join(name)).find(|file| file.is_file()) else {
        // What kustomize says of that is as good.
        return Ok(Vec::new());
    };
    let text = fs::read_to_string(&file).map_err(unreadable(&file))?;
    let place = file.display().to_string();
    let kustomization: Value = serde_yaml::from_str(&text).map_err(|error| refused(&place, error))?;
    let entries = FIELDS.iter().filter_map(|field| kustomization.get(field)?.as_sequence());
    let mut folders = Vec::new();
    for entry in entries.flatten().filter_map(Value::as_str) {
        let path = folder.join(entry);
        if path.is_dir() {
            folders.push(canonical(&path)?);
        } else if !path.exists() && is_remote(entry) {
            let problem =
                format!("found {entry:?}, which is on another machine; expected files and folders of this one");
            return Err(refused(&place, problem));
        }
    }
    Ok(folders)
}

fn is_remote(entry: &str) -> bool {
    let host = entry.split('/').next().unwrap_or_default();
    entry.contains("://")
        || entry.contains('@')
        || (host.contains('.') && !host.starts_with('.') && entry.contains('/'))
}

/// All files below, apart from hidden folders.
fn add_files(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), ApplyError> {
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_file() {
            files.insert(path);
        } else if path.is_dir() && !path.is_symlink() && !is_hidden {
            add_files(&path, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A folder with these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = top.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        top
    }

    #[test]
    fn an_overlay_comes_with_what_it_is_made_of_and_nothing_else() {
        let top = tree(&[
            ("config/base/kustomization.yaml", "resources: [web.yaml, ../crd]"),
            ("config/base/web.yaml", "kind: Web"),
            ("config/crd/Kustomization", "resources: [bases/web.yaml]"),
            ("config/crd/bases/web.yaml", "kind: Definition"),
            ("config/crd/.git/big", "hidden"),
            ("config/overlays/test/kustomization.yml", "resources: [../../base]\npatches: [{ path: patch.yaml }]"),
            ("config/overlays/test/patch.yaml", "kind: Web"),
            ("config/overlays/production/kustomization.yml", "resources: [../../base]"),
            ("src/main.rs", ""),
        ]);
        let tree = Tree::of(&top.path().join("config/overlays/test")).unwrap();
        let config = fs::canonicalize(top.path().join("config")).unwrap();
        let names = tree.files.iter().map(|(path, _)| path.strip_prefix(&config).unwrap().display().to_string());
        let names: Vec<String> = names.collect();
        let expected = [
            "base/kustomization.yaml",
            "base/web.yaml",
            "crd/Kustomization",
            "crd/bases/web.yaml",
            "overlays/test/kustomization.yml",
            "overlays/test/patch.yaml",
        ];
        assert_eq!((tree.folder, names), (config.join("overlays/test"), expected.map(ToOwned::to_owned).to_vec()));
        assert_eq!(tree.files[3].1, b"kind: Definition");
    }

    #[test]
    fn folders_that_name_each_other_are_read_once() {
        let top = tree(&[("a/kustomization.yaml", "resources: [../b]"), ("b/kustomization.yaml", "resources: [../a]")]);
        assert_eq!(Tree::of(&top.path().join("a")).unwrap().files.len(), 2);
    }

    #[rstest]
    #[case("https://example.org/web.yaml")]
    #[case("github.com/somebody/something//config?ref=v1")]
    #[case("git@example.org:somebody/something")]
    fn what_is_on_another_machine_is_refused(#[case] entry: &str) {
        let top = tree(&[("kustomization.yaml", &format!("resources: ['{entry}']"))]);
        let error = Tree::of(top.path()).unwrap_err().to_string();
        assert!(error.contains("which is on another machine") && error.contains(entry), "{error}");
    }

    #[rstest]
    #[case("web.yaml")]
    #[case("../web.yaml")]
    #[case("./base/web.yaml")]
    fn what_is_only_missing_is_left_to_kustomize(#[case] entry: &str) {
        let top = tree(&[("kustomization.yaml", &format!("resources: ['{entry}']"))]);
        assert_eq!(Tree::of(top.path()).unwrap().files.len(), 1);
    }

    #[test]
    fn a_folder_is_known_by_its_file() {
        let top = tree(&[("a/Kustomization", ""), ("b/web.yaml", ""), ("kustomization.yaml/x", "")]);
        let of = |name: &str| folder(&top.path().join(name)).map(|folder| folder.file_name().unwrap().to_owned());
        assert_eq!(of("a").unwrap(), "a");
        assert_eq!(of("a/Kustomization").unwrap(), "a");
        assert_eq!(of("b"), None);
        assert_eq!(of("b/web.yaml"), None);
        assert_eq!(of("kustomization.yaml"), None, "a folder of that name is none");
        assert_eq!(of("absent"), None);
    }
}
