//! Upstream's list of conformance specs as ours: what `conformance-names` does, without the files. Names and tags only;
//! upstream's descriptions are not copied.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::naming::{NamingError, Upstream, name_all};

/// A list cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// Upstream's list is not as it is known.
    #[error("read upstream's list of conformance specs")]
    List(#[source] serde_yaml::Error),
    /// A file that the list names is missing.
    #[error("read {file}, which upstream's list names")]
    Source {
        /// The file, relative to upstream's module.
        file: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file that tells of images is not as it is known.
    #[error("find {what} in upstream's sources: their form has changed")]
    Image {
        /// What was looked for.
        what: &'static str,
    },
    /// A spec has no name of its own.
    #[error(transparent)]
    Naming(#[from] NamingError),
}

/// An entry of upstream's list, as far as it matters here.
#[derive(Deserialize)]
struct Entry {
    codename: String,
    file: String,
}

/// The text of a list file: a head, then one spec a line, test name and upstream name with a tab between.
///
/// `list` is upstream's `test/conformance/testdata/conformance.yaml`; `read` returns the text of a file of its module.
///
/// # Errors
/// When the list or a file cannot be read, or a spec cannot be named.
pub fn generate(
    version: &str,
    list: &str,
    read: &mut dyn FnMut(&str) -> std::io::Result<String>,
) -> Result<String, GenerateError> {
    let entries: Vec<Entry> = serde_yaml::from_str(list).map_err(GenerateError::List)?;
    let upstream = entries.into_iter().map(|Entry { codename, file }| match read(&file) {
        Ok(source) => Ok(Upstream { name: codename, containers: containers(&source) }),
        Err(source) => Err(GenerateError::Source { file, source }),
    });
    let upstream: Vec<Upstream> = upstream.collect::<Result<_, _>>()?;
    let mut text = format!("# Conformance specs of Kubernetes {version}, written by conformance-names.\n");
    for (test, upstream) in name_all(&upstream)? {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{test}\t{upstream}");
    }
    Ok(text)
}

/// The text of a list of images: a head, then one image a line: who expects it (`kubeadm`, or specs: `test`), its name, its
/// tag, with tabs between.
///
/// `constants` is upstream's `cmd/kubeadm/app/constants/constants.go`, `manifest` its `test/utils/image/manifest.go`.
///
/// # Errors
/// When one of the two does not look as it is known.
pub fn generate_images(version: &str, constants: &str, manifest: &str) -> Result<String, GenerateError> {
    let mut text = format!("# Images that Kubernetes {version} expects, written by conformance-names.\n");
    for (image, name) in
        [("coredns/coredns", "CoreDNSVersion"), ("etcd", "DefaultEtcdVersion"), ("pause", "PauseVersion")]
    {
        let tag =
            constants.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'));
        let tag = tag.ok_or(GenerateError::Image { what: name })?;
        let _ = writeln!(text, "kubeadm\t{image}\t{tag}");
    }
    let quoted = |line: &str| {
        let rest = line.split_once("= Config{list.PromoterE2eRegistry, ")?.1.strip_suffix('}')?;
        let (name, tag) = rest.split_once(", ")?;
        Some(format!("test\t{}\t{}\n", name.trim_matches('"'), tag.trim_matches('"')))
    };
    let mut lines: Vec<String> = manifest.lines().filter_map(|line| quoted(line.trim())).collect();
    if lines.is_empty() {
        return Err(GenerateError::Image { what: "images of specs" });
    }
    lines.sort();
    Ok(text + &lines.concat())
}

/// The texts of the outermost containers in a Go source file.
fn containers(source: &str) -> Vec<String> {
    let arguments = source.split("SIGDescribe(").skip(1);
    let text = |arguments: &str| Some(arguments.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned());
    arguments.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "- testname: Any\n  codename: '[sig-node] Pods should\n    work [Conformance]'\n  description: prose\n  file: a.go\n";

    #[test]
    fn names_and_nothing_else_are_taken() {
        let source =
            "var _ = SIGDescribe(\"Pods\", func() {\n\tginkgo.Describe(\"Pods should\", f)\n\tSIGDescribe(f)\n";
        let text = generate("v1", LIST, &mut |file| Ok(if file == "a.go" { source.to_owned() } else { String::new() }))
            .unwrap();
        assert_eq!(
            text,
            "# Conformance specs of Kubernetes v1, written by conformance-names.\nsig-node::pods::should_work\t[sig-node] Pods should work [Conformance]\n"
        );
    }

    #[test]
    fn images_are_found_with_their_tags() {
        let constants = "\t// CoreDNSVersion is\n\tCoreDNSVersion = \"v1.1\"\n\tDefaultEtcdVersion = \"3.7-0\"\n\tPauseVersion = \"3.10\"\n";
        let manifest = "\tconfigs[Nginx] = Config{list.PromoterE2eRegistry, \"nginx\", \"1.27\"}\n\tconfigs[A] = Config{list.PrivateRegistry, \"a\", \"1\"}\n\tconfigs[BusyBox] = Config{list.PromoterE2eRegistry, \"busybox\", \"1.37\"}\n";
        assert_eq!(
            generate_images("v1", constants, manifest).unwrap(),
            "# Images that Kubernetes v1 expects, written by conformance-names.\nkubeadm\tcoredns/coredns\tv1.1\nkubeadm\tetcd\t3.7-0\nkubeadm\tpause\t3.10\ntest\tbusybox\t1.37\ntest\tnginx\t1.27\n"
        );
        for (constants, manifest) in [("", manifest), (constants, "")] {
            assert!(matches!(generate_images("v1", constants, manifest), Err(GenerateError::Image { .. })));
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = generate("v1", LIST, &mut |_| Err(std::io::ErrorKind::NotFound.into())).unwrap_err();
        assert_eq!(error.to_string(), "read a.go, which upstream's list names");
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        assert!(matches!(generate("v1", "<html>", &mut |_| Ok(String::new())), Err(GenerateError::List(_))));
    }
}
