//! Images that were built here from other inputs than today's, and that nobody needs any more.

use kind_engine::{ContainerFacts, Engine, EngineError, ImageFacts, Labels};

use crate::{
    Release, conformance,
    reference::{base_image_reference, labels, node_image_reference, payload_image_reference},
};

/// The repositories of the images that are built here.
const REPOSITORIES: [&str; 4] = ["kind-rs/conformance:", "kind-rs/node:", "kind-rs/payload:", "kind-rs/base:"];

/// An image that was built here from other inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OldImage {
    /// Its reference.
    pub reference: String,
    /// Its size in bytes; layers that other images have as well are counted.
    pub size: u64,
    /// Whether a container needs it.
    pub used: ImageUse,
}

/// Whether a container needs an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageUse {
    /// None does.
    Unused,
    /// This container does, perhaps among others.
    By(String),
}

/// The node images that were built here and that no release of this version is, with the images that they were built
/// from. Sorted: what others were built from comes last.
///
/// # Errors
/// When the engine does not answer.
pub async fn old_images(engine: &dyn Engine) -> Result<Vec<OldImage>, EngineError> {
    let ours = Labels::from([(labels::KIND.to_owned(), String::new())]);
    let images = engine.images(&ours).await?;
    let containers = engine.containers(&Labels::new()).await?;
    let current: Vec<String> = Release::all().iter().flat_map(references).collect();
    let mut old: Vec<OldImage> = images
        .iter()
        .flat_map(|image| image.tags.iter().map(move |tag| (image, tag)))
        .filter(|(_, tag)| rank(tag).is_some() && !current.contains(tag))
        .map(|(image, tag)| OldImage { reference: tag.clone(), size: image.size, used: used(image, &containers) })
        .collect();
    old.sort_by(|one, other| (rank(&one.reference), &one.reference).cmp(&(rank(&other.reference), &other.reference)));
    Ok(old)
}

/// Every image of a release.
fn references(release: &Release) -> Vec<String> {
    let of_suite = conformance::image_reference(release);
    let of_nodes = [node_image_reference(release), payload_image_reference(release), base_image_reference(release)];
    of_suite.into_iter().chain(of_nodes).collect()
}

/// The place of an image's repository; `None` where it is not ours, such as a user's own name for one of our images.
fn rank(tag: &str) -> Option<usize> {
    REPOSITORIES.iter().position(|repository| tag.starts_with(repository))
}

fn used(image: &ImageFacts, containers: &[ContainerFacts]) -> ImageUse {
    let uses = |container: &&ContainerFacts| image.id == container.image || image.tags.contains(&container.image);
    containers.iter().find(uses).map_or(ImageUse::Unused, |container| ImageUse::By(container.name.clone()))
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine};

    use super::*;

    #[tokio::test]
    async fn those_of_earlier_inputs_are_old_and_no_others() {
        let engine = FakeEngine::default();
        let ours = [(labels::KIND, "node-image")];
        for reference in references(Release::newest()) {
            engine.add_image(&reference, &ours);
        }
        engine.add_image("kind-rs/base:bookworm-0", &ours);
        engine.add_image("kind-rs/node:v1-0", &ours);
        engine.add_image("kind-rs/node:v1-1", &ours);
        engine.add_image("my/node:v1", &ours);
        engine.add_image("kind-rs/node:of-somebody-else", &[]);
        let spec =
            ContainerSpec { name: "a".to_owned(), image: "kind-rs/node:v1-0".to_owned(), ..ContainerSpec::default() };
        engine.run_container(&spec).await.unwrap();
        let found = old_images(&engine).await.unwrap();
        let found: Vec<(&str, &ImageUse)> = found.iter().map(|old| (old.reference.as_str(), &old.used)).collect();
        let by = ImageUse::By("a".to_owned());
        let expected = [
            ("kind-rs/node:v1-0", &by),
            ("kind-rs/node:v1-1", &ImageUse::Unused),
            ("kind-rs/base:bookworm-0", &ImageUse::Unused),
        ];
        assert_eq!(found, expected);
    }
}
