//! What a node has, and what it is told to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use kind_engine::{Command, Engine, ExecOutput};
use serde::Deserialize;

use super::LoadError;
use crate::wait::{Check, WaitError, until_or};

/// containerd's namespace of Kubernetes' images.
const CTR: [&str; 3] = ["ctr", "--namespace", "k8s.io"];

/// How long the container runtime may take to notice what containerd was given.
const NOTICED: Duration = Duration::from_secs(10);

/// The images of a node as containerd has them: the digest that each name stands for. Names are the raw ones: the
/// container runtime shows a name spelled out even where it does not answer to that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Present(BTreeMap<String, String>);

/// What becomes of one image on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// It is there, with every name.
    Nothing,
    /// It is there under a name and lacks others.
    Names { known: String, lacking: Vec<String> },
    /// It is not there.
    All,
}

impl Present {
    /// From the table that `ctr images list` prints: name, media type and digest come first.
    fn of(table: &str) -> Self {
        let row = |line: &str| {
            let mut columns = line.split_whitespace();
            let (name, digest) = (columns.next()?, columns.nth(1)?);
            digest.contains(':').then(|| (name.to_owned(), digest.to_owned()))
        };
        Self(table.lines().filter_map(row).collect())
    }

    /// What an image needs whose configuration has that digest. The container runtime gives every image that digest as a
    /// name, too.
    pub(super) fn need(&self, id: &str, names: &[String]) -> Need {
        match self.0.get(id) {
            Some(digest) => self.need_of(id, std::slice::from_ref(digest), names),
            None => Need::All,
        }
    }

    /// What an image needs that has one of these manifests.
    pub(super) fn need_by_manifest(&self, manifests: &[String], names: &[String]) -> Need {
        match self.0.iter().find(|(_, digest)| manifests.contains(digest)) {
            Some((known, _)) => self.need_of(known, manifests, names),
            None => Need::All,
        }
    }

    fn need_of(&self, known: &str, digests: &[String], names: &[String]) -> Need {
        let is_there = |name: &&String| self.0.get(*name).is_some_and(|digest| digests.contains(digest));
        let lacking: Vec<String> = names.iter().filter(|name| !is_there(name)).cloned().collect();
        if lacking.is_empty() { Need::Nothing } else { Need::Names { known: known.to_owned(), lacking } }
    }
}

async fn run(engine: &dyn Engine, node: &str, argv: &[&str]) -> Result<String, LoadError> {
    succeeded(node, engine.exec(node, &Command::new(argv.iter().copied())).await?)
}

fn succeeded(node: &str, output: ExecOutput) -> Result<String, LoadError> {
    output.success().map_err(|source| LoadError::Node { node: node.to_owned(), source })
}

/// Every image of a node.
pub(super) async fn images(engine: &dyn Engine, node: &str) -> Result<Present, LoadError> {
    Ok(Present::of(&run(engine, node, &[&CTR[..], &["images", "list"]].concat()).await?))
}

/// Every unpacked file system of a node, by the chain of its layers.
pub(super) async fn chains(engine: &dyn Engine, node: &str) -> Result<BTreeSet<String>, LoadError> {
    let text = run(engine, node, &[&CTR[..], &["snapshots", "list"]].concat()).await?;
    let keys = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(keys.filter(|key| key.starts_with("sha256:")).map(str::to_owned).collect())
}

/// Gives an image further names.
pub(super) async fn tag(engine: &dyn Engine, node: &str, known: &str, names: &[String]) -> Result<(), LoadError> {
    for name in names {
        run(engine, node, &[&CTR[..], &["images", "tag", "--force", known, name]].concat()).await?;
    }
    Ok(())
}

/// Imports a tar file of this machine.
pub(super) async fn import(engine: &dyn Engine, node: &str, tar: &Path) -> Result<(), LoadError> {
    let argv = [&CTR[..], &["images", "import", "-"]].concat();
    succeeded(node, engine.exec_with_file(node, &Command::new(argv), tar).await?)?;
    Ok(())
}

#[derive(Deserialize)]
struct Status {
    status: Option<Image>,
}

#[derive(Deserialize)]
struct Image {
    id: String,
}

/// Waits until the container runtime, which pods ask, has an image under each name: containerd tells it, and it may find
/// that it cannot use what containerd took. `id` is the configuration's digest, where it is known.
pub(super) async fn usable(
    engine: &dyn Engine,
    node: &str,
    id: Option<&str>,
    names: &[String],
) -> Result<(), LoadError> {
    for name in names {
        let argv = ["crictl", "inspecti", "--output", "json", name];
        let looked = until_or(Duration::from_millis(100), format!("image {name}"), NOTICED, async || {
            let output = engine.exec(node, &Command::new(argv)).await?;
            let found = serde_json::from_slice::<Status>(&output.stdout).ok().and_then(|found| found.status);
            Ok::<_, LoadError>(match found {
                Some(found) if id.is_none_or(|id| found.id == id) => Check::Done(()),
                Some(found) => Check::not_yet(format_args!("it is {} there", found.id)),
                None => Check::not_yet(String::from_utf8_lossy(&output.stderr).trim_end()),
            })
        });
        let unusable =
            |error: WaitError| LoadError::Unusable { image: name.clone(), node: node.to_owned(), last: error.last };
        looked.await?.map_err(unusable)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
REF                          TYPE                                                 DIGEST    SIZE   PLATFORMS   LABELS
docker.io/app:old            application/vnd.oci.image.manifest.v1+json           sha256:m  1.2 K  linux/amd64 a=b
docker.io/library/app:1      application/vnd.docker.distribution.manifest.v2+json sha256:m  1.2 K  linux/amd64 -
docker.io/library/other:1    application/vnd.oci.image.manifest.v1+json           sha256:n  0.0 B  -           -
sha256:config                application/vnd.oci.image.manifest.v1+json           sha256:m  1.2 K  linux/amd64 -
";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_that_is_missing_needs_no_import() {
        let present = Present::of(TABLE);
        let lacking = |known: &str, lacking: &[&str]| Need::Names { known: known.to_owned(), lacking: names(lacking) };
        let app = "docker.io/library/app:1";
        assert_eq!(present.need("sha256:config", &names(&[app])), Need::Nothing);
        let moved = "docker.io/library/other:1";
        assert_eq!(present.need("sha256:config", &names(&[app, moved])), lacking("sha256:config", &[moved]));
        assert_eq!(present.need("sha256:unknown", &names(&[app])), Need::All);
    }

    #[test]
    fn a_name_that_pods_cannot_use_is_no_name() {
        let wanted = names(&["docker.io/library/app:old"]);
        let expected = Need::Names { known: "sha256:config".to_owned(), lacking: wanted.clone() };
        assert_eq!(Present::of(TABLE).need("sha256:config", &wanted), expected);
    }

    #[test]
    fn an_image_is_known_by_its_manifest_too() {
        let present = Present::of(TABLE);
        let manifests = names(&["sha256:list", "sha256:m"]);
        assert_eq!(present.need_by_manifest(&manifests, &names(&["docker.io/library/app:1"])), Need::Nothing);
        let new = names(&["docker.io/library/new:1"]);
        let expected = Need::Names { known: "docker.io/app:old".to_owned(), lacking: new.clone() };
        assert_eq!(present.need_by_manifest(&manifests, &new), expected);
        assert_eq!(present.need_by_manifest(&names(&["sha256:x"]), &new), Need::All);
    }
}
