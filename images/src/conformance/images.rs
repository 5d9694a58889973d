//! The images that specs use beside those of the node: under upstream's names, each from what it really is.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    BuildError, Release, Step,
    archive::{ImageArchive, Layer},
    cache::file,
    command::HostCommand,
    pod_images::Programs,
    workshop::Workshop,
};

const STEP: Step = Step::TestImages;
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One spec mounts the image and looks whether its files are there, by the words "Alpine Linux" in this one.
const OS_RELEASE: &[u8] =
    b"ID=debian\nNAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux in place of Alpine Linux\"\n";

/// What lies in an image, above nothing or above the shared root.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// The shared root alone.
    Root,
    /// A layer of that name above the shared root.
    AboveRoot(&'static str),
    /// A layer of that name alone.
    Alone(&'static str),
}

/// An image that specs use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestImage {
    /// Name and tag.
    pub(super) name: String,
    content: Vec<Content>,
    entrypoint: &'static [&'static str],
    command: &'static [&'static str],
    /// Whether specs insist on pulling it, so that a registry must have it.
    pub(super) is_pulled: bool,
}

/// A test image that is built here under upstream's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitute {
    /// Name and tag, as specs have it.
    pub name: String,
    /// What it is in truth.
    pub made_of: String,
}

/// What the conformance node image of a release has in place of upstream's test images; nothing where the release's suite is
/// not offered.
pub fn substitutes(release: &Release) -> Vec<Substitute> {
    let Some(tags) = &release.conformance else { return Vec::new() };
    let (debian, kubernetes) = (release.debian, release.kubernetes);
    let previous = tags.agnhost_previous_module.version;
    let made_of = |image: &TestImage| match image.layers().as_slice() {
        ["agnhost"] => format!("`agnhost` built from the sources of {kubernetes}, on Debian {debian} packages"),
        ["agnhost-previous"] => {
            format!(
                "`agnhost` built from the sources of {previous}, those nearest to that tag, on Debian {debian} packages"
            )
        }
        ["busybox"] => {
            format!("busybox built from the sources that Debian {debian} keeps, whatever version the tag says")
        }
        ["sample-apiserver"] => {
            format!("the published module `k8s.io/sample-apiserver` {}", tags.sample_apiserver_module)
        }
        ["nonewprivs"] => {
            format!("upstream's program built from the sources of {kubernetes}, on Debian {debian} packages")
        }
        ["agnhost", picture] => format!(
            "`agnhost` as the web server, upstream's picture of a {picture}, and an `/etc/os-release` that says \"Debian \
             GNU/Linux in place of Alpine Linux\", because a spec looks for the words \"Alpine Linux\""
        ),
        _ if image.command.first() == Some(&"nginx") => {
            format!("the nginx of Debian {debian}, whatever version the tag says")
        }
        _ => format!("Debian {debian} packages: the resolver of its glibc, `dig`, and the tools that specs call"),
    };
    test_images(release).iter().map(|image| Substitute { name: image.name.clone(), made_of: made_of(image) }).collect()
}

impl TestImage {
    /// Its own layers, lowest first.
    fn layers(&self) -> Vec<&'static str> {
        let layer = |content: &Content| match content {
            Content::Root => None,
            Content::AboveRoot(name) | Content::Alone(name) => Some(*name),
        };
        self.content.iter().filter_map(layer).collect()
    }
}

/// Every test image, in the order of their names; none where the release's suite is not offered.
pub(super) fn test_images(release: &Release) -> Vec<TestImage> {
    let Some(tags) = &release.conformance else { return Vec::new() };
    let image = |name: &str, tag: &str, content: &[Content], entrypoint, command| TestImage {
        name: format!("registry.k8s.io/e2e-test-images/{name}:{tag}"),
        content: content.to_vec(),
        entrypoint,
        command,
        is_pulled: false,
    };
    let agnhost = [Content::AboveRoot("agnhost")];
    let server = |name, layer, tag| {
        let content = [Content::AboveRoot("agnhost"), Content::AboveRoot(layer)];
        image(name, tag, &content, &["/agnhost"], &["test-webserver"])
    };
    vec![
        TestImage { is_pulled: true, ..image("agnhost", tags.agnhost, &agnhost, &["/agnhost"], &["pause"]) },
        image("agnhost", tags.agnhost_previous, &[Content::AboveRoot("agnhost-previous")], &["/agnhost"], &["pause"]),
        image("busybox", tags.busybox, &[Content::Alone("busybox")], &[], &["sh"]),
        image(tags.dns_testing[0], tags.dns_testing[1], &[Content::Root], &[], &["bash"]),
        TestImage { is_pulled: true, ..server("kitten", "kitten", tags.kitten) },
        server("nautilus", "nautilus", tags.nautilus),
        image("nginx", tags.nginx, &[Content::Root], &[], &["nginx", "-g", "daemon off;"]),
        image("nonewprivs", tags.nonewprivs, &[Content::AboveRoot("nonewprivs")], &[], &["nnp"]),
        image(
            "sample-apiserver",
            tags.sample_apiserver,
            &[Content::Alone("sample-apiserver")],
            &["/sample-apiserver"],
            &[],
        ),
    ]
}

/// Writes the archive of all images into the work folder. The caller removes it.
pub(super) async fn archive(workshop: &Workshop<'_>, root: &Path, programs: &Programs) -> Result<PathBuf, BuildError> {
    let work = workshop.cache.work("test-images", STEP)?;
    let busybox = programs.get(&Step::Busybox).map(|folder| folder.join("busybox")).unwrap_or_default();
    let applets = HostCommand::new(&busybox.display().to_string(), &work).args(["--list"]);
    let applets = workshop.run(STEP, &applets).await?;
    let path = work.join("images.tar");
    let write = || -> io::Result<()> {
        let mut archive = ImageArchive::create(&path)?;
        let shared = archive.layer(&fs::read(root)?)?;
        let mut layers = BTreeMap::new();
        for (name, bytes) in layers_of(programs, &applets)? {
            layers.insert(name, archive.layer(&bytes)?);
        }
        for image in test_images(workshop.release()) {
            archive.add_of(&image.name, &config(&image), &stack(&image, &shared, &layers)?)?;
        }
        archive.finish()
    };
    write().map_err(file(STEP, "write", &path))?;
    Ok(path)
}

/// An image's layers, lowest first.
fn stack<'a>(
    image: &TestImage,
    shared: &'a String,
    layers: &'a BTreeMap<&'static str, String>,
) -> io::Result<Vec<&'a String>> {
    let mut stack = Vec::new();
    if image.content.iter().any(|content| !matches!(content, Content::Alone(_))) {
        stack.push(shared);
    }
    for content in &image.content {
        if let Content::AboveRoot(name) | Content::Alone(name) = content {
            stack.push(layers.get(name).ok_or(io::ErrorKind::NotFound)?);
        }
    }
    Ok(stack)
}

fn config(image: &TestImage) -> Value {
    json!({ "Entrypoint": image.entrypoint, "Cmd": image.command, "Env": [PATH], "WorkingDir": "/" })
}

/// Every layer above the shared root or without it.
fn layers_of(programs: &Programs, applets: &str) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let of = |step: Step| programs.get(&step).ok_or(io::ErrorKind::NotFound);
    let current = of(Step::TestPrograms)?;
    let sources = current.join("test/images");
    let agnhost = |folder: &Path| {
        let mut layer = Layer::new(Vec::new());
        layer.copy("/agnhost", 0o755, &folder.join("agnhost"))?;
        layer.link("/agnhost-2", "agnhost")?;
        for name in ["localhost.crt", "localhost.key"] {
            layer.copy(&format!("/{name}"), 0o644, &sources.join("agnhost/porter").join(name))?;
        }
        layer.finish()
    };
    let picture = |name: &str| {
        let mut layer = Layer::new(Vec::new());
        for file in [format!("{name}.jpg"), "data.json".to_owned()] {
            layer.copy(&format!("/{file}"), 0o644, &sources.join(name).join("html").join(&file))?;
        }
        layer.file("/etc/os-release", 0o644, OS_RELEASE)?;
        layer.finish()
    };
    let one = |path: &str, mode, source: &Path| {
        let mut layer = Layer::new(Vec::new());
        layer.copy(path, mode, source)?;
        layer.finish()
    };
    Ok(vec![
        ("agnhost", agnhost(current)?),
        ("agnhost-previous", agnhost(of(Step::PreviousTestPrograms)?)?),
        ("busybox", busybox(of(Step::Busybox)?, applets)?),
        ("kitten", picture("kitten")?),
        ("nautilus", picture("nautilus")?),
        // Its specs are about what a setuid and setgid program may do.
        ("nonewprivs", one("/usr/local/bin/nnp", 0o6755, &current.join("nonewprivs"))?),
        ("sample-apiserver", one("/sample-apiserver", 0o755, &of(Step::SampleApiServer)?.join("sample-apiserver"))?),
    ])
}

/// busybox under all its names.
fn busybox(folder: &Path, applets: &str) -> io::Result<Vec<u8>> {
    let mut layer = Layer::new(Vec::new());
    for folder in ["/dev", "/etc", "/home", "/proc", "/root", "/sys", "/usr/bin", "/var/tmp"] {
        layer.folder(folder, 0o755)?;
    }
    layer.folder("/tmp", 0o1777)?;
    layer.copy("/bin/busybox", 0o755, &folder.join("busybox"))?;
    for applet in applets.lines().filter(|applet| !["busybox", ""].contains(applet)) {
        layer.link(&format!("/bin/{applet}"), "busybox")?;
    }
    layer.link("/usr/bin/env", "../../bin/env")?;
    layer.file(
        "/etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    )?;
    layer.file("/etc/group", 0o644, b"root:x:0:\nnobody:x:65534:\n")?;
    layer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags_are_those_of_upstreams_table() {
        for release in Release::all() {
            let expected = crate::versions::expected_images(release, "test");
            assert!(expected.len() > 15, "{expected:?}");
            for image in test_images(release) {
                let name = image.name.strip_prefix("registry.k8s.io/e2e-test-images/").unwrap();
                assert!(
                    expected.iter().any(|one| one == name),
                    "{}: {name} is none of {expected:?}",
                    release.kubernetes
                );
            }
        }
    }

    #[test]
    fn a_shared_root_lies_below_everything_else() {
        let shared = "root".to_owned();
        let layers =
            BTreeMap::from([("agnhost", "a".to_owned()), ("kitten", "k".to_owned()), ("busybox", "b".to_owned())]);
        let of = |name: &str| {
            let images = test_images(Release::newest());
            let image = images.into_iter().find(|image| image.name.contains(name)).unwrap();
            stack(&image, &shared, &layers).unwrap().into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(of("kitten"), ["root", "a", "k"]);
        assert_eq!(of("busybox"), ["b"]);
        assert_eq!(of("nginx"), ["root"]);
    }

    #[test]
    fn busybox_has_every_name_that_it_knows() {
        let work = tempfile::tempdir().unwrap();
        fs::write(work.path().join("busybox"), "b").unwrap();
        let layer = busybox(work.path(), "busybox\ncat\nsh\n").unwrap();
        let mut archive = tar::Archive::new(layer.as_slice());
        let entries: Vec<(String, bool)> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path().unwrap().display().to_string(), entry.header().entry_type().is_symlink()))
            .collect();
        for (name, is_link) in [("bin/busybox", false), ("bin/cat", true), ("bin/sh", true)] {
            assert!(entries.contains(&(name.to_owned(), is_link)), "{name}: {entries:?}");
        }
    }
}
