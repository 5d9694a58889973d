//! OCI image layouts: `index.json` and blobs, as buildx, skopeo, podman and `docker save` of today write them.

use serde_json::Value;

use super::{
    archive::{ArchivedImage, Configuration, Layer, blob, chains, json, name, text},
    members::Members,
};

const LIST: &str = "index.json";
/// How deep lists of lists of manifests go.
const DEEPEST: usize = 4;
/// What a manifest is where it does not say it.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The types of images' configurations; what else there is are charts, signatures and the like.
const CONFIGURATIONS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Every image, of every platform.
pub(super) fn images(members: &Members) -> Result<Vec<ArchivedImage>, String> {
    let index: Value = json(LIST, &text(members, LIST)?)?;
    let mut reader = Reader { members, images: Vec::new(), absent: None };
    for descriptor in list(&index["manifests"]) {
        let names = names_of(descriptor)?;
        reader.descriptor(descriptor, &names, &[], DEEPEST)?;
    }
    match reader.absent {
        Some(name) if reader.images.is_empty() => Err(format!("{name} is missing in it")),
        _ => Ok(reader.images),
    }
}

/// What a list may leave out, or have as null.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The name of what a descriptor leads to. By the specification the second annotation may be a tag without a name.
fn names_of(descriptor: &Value) -> Result<Vec<String>, String> {
    let annotation = |key: &str| descriptor["annotations"][key].as_str();
    let full = annotation("io.containerd.image.name");
    let reference = annotation("org.opencontainers.image.ref.name").filter(|name| name.contains([':', '/']));
    Ok(full.or(reference).map(name).transpose()?.flatten().into_iter().collect())
}

struct Reader<'a> {
    members: &'a Members,
    images: Vec<ArchivedImage>,
    /// Something that is listed and not there: archives may leave platforms out.
    absent: Option<String>,
}

impl Reader<'_> {
    /// Follows a descriptor to the images that it leads to.
    fn descriptor(&mut self, descriptor: &Value, names: &[String], way: &[String], depth: usize) -> Result<(), String> {
        let platform = |field: &str| descriptor["platform"][field].as_str();
        let is_attestation = descriptor["annotations"]["vnd.docker.reference.type"].is_string();
        if is_attestation || (platform("os"), platform("architecture")) == (Some("unknown"), Some("unknown")) {
            return Ok(());
        }
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let name = blob(digest)?;
        if self.members.find(&name).is_none() {
            self.absent = Some(name);
            return Ok(());
        }
        let manifest_text = text(self.members, &name)?;
        let manifest: Value = json(&name, &manifest_text)?;
        let way: Vec<String> = way.iter().cloned().chain([digest.to_owned()]).collect();
        if manifest["manifests"].is_array() {
            if depth == 0 {
                return Err(format!("{name}: lists of lists go too deep"));
            }
            for item in list(&manifest["manifests"]) {
                self.descriptor(item, names, &way, depth - 1)?;
            }
            return Ok(());
        }
        if !is_image(&manifest) {
            return Ok(());
        }
        let media_type = manifest["mediaType"].as_str().or(descriptor["mediaType"].as_str()).unwrap_or(MANIFEST);
        let found = self.image(&manifest, (media_type.to_owned(), manifest_text))?;
        match self.images.iter_mut().find(|image| image.id == found.id) {
            Some(known) => {
                known.names.extend_from_slice(names);
                known.manifests.extend(way);
            }
            None => self.images.push(ArchivedImage { names: names.to_vec(), manifests: way, ..found }),
        }
        Ok(())
    }

    fn image(&self, manifest: &Value, text_and_type: (String, Vec<u8>)) -> Result<ArchivedImage, String> {
        let id = manifest["config"]["digest"].as_str().unwrap_or_default();
        let config_name = blob(id)?;
        let config = text(self.members, &config_name)?;
        let read: Configuration = json(&config_name, &config)?;
        let platform = read.platform();
        let diff_ids = read.diff_ids();
        let layers = list(&manifest["layers"]);
        if layers.len() != diff_ids.len() {
            return Err(format!("{config_name} names {} layers, its manifest {}", diff_ids.len(), layers.len()));
        }
        let layer = |(item, chain): (&Value, String)| {
            let digest = item["digest"].as_str().unwrap_or_default().to_owned();
            Ok(Layer { member: self.members.find(&blob(&digest)?), digest, chain, form: "tar" })
        };
        Ok(ArchivedImage {
            id: id.to_owned(),
            names: Vec::new(),
            platform,
            config,
            manifest: Some(text_and_type),
            manifests: Vec::new(),
            layers: layers.iter().zip(chains(&diff_ids)).map(layer).collect::<Result<_, String>>()?,
        })
    }
}

/// Whether a manifest is one of an image that runs, as far as it says.
fn is_image(manifest: &Value) -> bool {
    let is_configuration = |media_type: &str| media_type.is_empty() || CONFIGURATIONS.contains(&media_type);
    let is_layer = |media_type: &str| media_type.is_empty() || media_type.contains("tar");
    let media_type = |value: &Value| value["mediaType"].as_str().unwrap_or_default().to_owned();
    manifest["config"]["digest"].is_string()
        && is_configuration(&media_type(&manifest["config"]))
        && list(&manifest["layers"]).iter().all(|layer| is_layer(&media_type(layer)))
}
