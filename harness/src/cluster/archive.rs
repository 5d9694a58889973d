//! Reading what a `docker save` archive holds, without unpacking it.

use std::{fs::File, io::Read as _, path::Path};

use serde::Deserialize;

use super::ClusterError;

/// One image of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArchivedImage {
    /// The digest of its configuration, `sha256:…`, which nodes use as the image's identity.
    pub(super) id: String,
    /// Its names.
    pub(super) tags: Vec<String>,
}

#[derive(Deserialize)]
struct ManifestEntry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
}

/// The images of an archive, in its order.
pub(super) fn images(path: &Path) -> Result<Vec<ArchivedImage>, ClusterError> {
    let problem = |problem: String| ClusterError::Archive { path: path.to_owned(), problem };
    let file =
        File::open(path).map_err(|source| ClusterError::File { action: "read", path: path.to_owned(), source })?;
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries().map_err(|error| problem(error.to_string()))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| problem(error.to_string()))?;
        let is_manifest = entry.path().is_ok_and(|path| path.as_ref() == Path::new("manifest.json"));
        if !is_manifest {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(|error| problem(error.to_string()))?;
        let manifest: Vec<ManifestEntry> =
            serde_json::from_str(&text).map_err(|error| problem(format!("manifest.json: {error}")))?;
        return Ok(manifest.into_iter().map(image).collect());
    }
    Err(problem("there is no manifest.json in it; expected what `docker save` writes".to_owned()))
}

fn image(entry: ManifestEntry) -> ArchivedImage {
    // Either `<digest>.json` or, in newer engines' archives, `blobs/sha256/<digest>`.
    let name = entry.config.rsplit('/').next().unwrap_or_default();
    let digest = name.strip_suffix(".json").unwrap_or(name);
    ArchivedImage { id: format!("sha256:{digest}"), tags: entry.tags.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &str, content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut tar = tar::Builder::new(file.reopen().unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
        tar.finish().unwrap();
        file
    }

    #[test]
    fn both_ways_to_name_a_configuration_are_read() {
        let text = r#"[{"Config":"aa.json","RepoTags":["a:1","a:2"]},{"Config":"blobs/sha256/bb","RepoTags":null}]"#;
        let found = images(archive("manifest.json", text).path()).unwrap();
        assert_eq!(found[0], ArchivedImage { id: "sha256:aa".into(), tags: vec!["a:1".into(), "a:2".into()] });
        assert_eq!(found[1], ArchivedImage { id: "sha256:bb".into(), tags: Vec::new() });
    }

    #[test]
    fn something_else_is_refused_by_name() {
        let file = archive("README", "text");
        let text = images(file.path()).unwrap_err().to_string();
        assert!(text.contains("no manifest.json") && text.contains(&file.path().display().to_string()), "{text}");
        let missing = images(Path::new("/nonexistent.tar")).unwrap_err().to_string();
        assert_eq!(missing, "read /nonexistent.tar");
    }
}
