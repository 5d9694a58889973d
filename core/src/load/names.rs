//! What an image is called on a node when a user asks for it by this or that reference.

use kind_engine::{ImageFacts, ImageName};

use super::LoadError;

/// The names that an image of the engine gets on nodes, spelled out: the one that was asked for, or where an ID was given,
/// all that the engine has for it.
pub(super) fn names_of(reference: &str, facts: &ImageFacts) -> Result<Vec<String>, LoadError> {
    let wrong = |source| LoadError::Name { source };
    let asked = ImageName::parse(reference).map_err(wrong)?;
    let known: Vec<ImageName> =
        facts.tags.iter().chain(&facts.digests).filter_map(|name| ImageName::parse(name).ok()).collect();
    if !known.contains(&asked) && is_id(reference, &facts.id) {
        let mut names: Vec<String> = known.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            return Err(LoadError::NoName { image: reference.to_owned() });
        }
        names.sort();
        names.dedup();
        return Ok(names);
    }
    let mut names = vec![asked.to_string()];
    // Podman calls `localhost/app` what it was told to call `app`; pods may say either.
    let local = format!("localhost/{}", reference.split_once('@').map_or(reference, |(named, _)| named));
    let local = ImageName::parse(&local).ok().filter(|local| !known.contains(&asked) && known.contains(local));
    names.extend(local.map(|local| local.to_string()));
    Ok(names)
}

/// Whether a reference is an ID or the beginning of one.
fn is_id(reference: &str, id: &str) -> bool {
    let hexadecimal = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_owned();
    let reference = hexadecimal(reference);
    !reference.is_empty() && hexadecimal(id).starts_with(&reference)
}

#[cfg(test)]
mod tests {
    use kind_engine::{Engine as _, FakeEngine};

    use super::*;

    const ID: &str = "sha256:ed33e10c5aa8b8aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa8972";

    async fn names(tags: &[&str], digests: &[&str], reference: &str) -> Result<Vec<String>, LoadError> {
        let engine = FakeEngine::default();
        engine.add_image("one", &[]);
        engine.change_image("one", |image| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            (image.id, image.tags, image.digests) = (ID.to_owned(), owned(tags), owned(digests));
        });
        names_of(reference, &engine.image(ID).await.unwrap().unwrap())
    }

    #[tokio::test]
    async fn by_tag_the_name_that_the_kubelet_asks_for() {
        for reference in ["app:2", "docker.io/app:2", "index.docker.io/library/app:2"] {
            assert_eq!(names(&["app:2", "x:1"], &[], reference).await.unwrap(), ["docker.io/library/app:2"]);
        }
        let podman = names(&["localhost/app:2"], &[], "app:2").await.unwrap();
        assert_eq!(podman, ["docker.io/library/app:2", "localhost/app:2"]);
        assert_eq!(names(&["localhost/app:2"], &[], "localhost/app:2").await.unwrap(), ["localhost/app:2"]);
        // A name may look like an ID.
        assert_eq!(names(&["ed33:latest"], &[], "ed33").await.unwrap(), ["docker.io/library/ed33:latest"]);
    }

    #[tokio::test]
    async fn by_digest_the_digest() {
        let digest = format!("localhost:5001/app@sha256:{}", "0".repeat(64));
        assert_eq!(names(&[], &[&digest], &digest).await.unwrap(), std::slice::from_ref(&digest));
        let with_tag = digest.replace('@', ":1@");
        assert_eq!(names(&["localhost:5001/app:1"], &[&digest], &with_tag).await.unwrap(), [digest]);
    }

    #[tokio::test]
    async fn by_id_the_images_own_names_or_an_error() {
        for reference in [ID, &ID[7..], "ed33e10c5aa8", "sha256:ed33e1"] {
            let own = names(&["case/app:1", "docker.io/app"], &[], reference).await.unwrap();
            assert_eq!(own, ["docker.io/case/app:1", "docker.io/library/app:latest"], "{reference}");
            let error = names(&[], &[], reference).await.unwrap_err().to_string();
            assert!(error.contains("docker tag"), "{error}");
        }
    }
}
