//! What archives say, what is sent of them, and damaged ones.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::samples::{LAYERS, docker_archive, file, flat, gzip, id, layout, open, tar, top};
use crate::load::{
    archive::{Archive, ArchivedImage, digest},
    members::Members,
    shipment::{Lacking, pack},
};

#[test]
fn both_forms_say_the_same() {
    let docker = open(&docker_archive("amd64")).unwrap();
    let layout = open(&layout()).unwrap();
    assert_eq!(docker.images[0].names, ["docker.io/library/app:1", "example.com/app:1"]);
    assert_eq!(layout.images[0].names, ["example.com/app:1"]);
    for archive in [&docker, &layout] {
        let image = &archive.images[0];
        assert_eq!((archive.images.len(), &image.id, image.platform.words().as_str()), (1, &id(), "amd64"));
        let chains: Vec<&str> = image.layers.iter().map(|layer| layer.chain.as_str()).collect();
        assert_eq!(chains, [digest(LAYERS[0]), top()]);
        assert!(image.layers.iter().all(|layer| layer.member.is_some()));
    }
}

#[test]
fn compressed_archives_are_read() {
    let plain = docker_archive("amd64");
    let gzip = gzip(&plain);
    let zstd = ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    for compressed in [gzip, zstd] {
        assert_eq!(open(&compressed).unwrap().images[0].id, id());
    }
    let xz = open(b"\xfd7zXZ\0").unwrap_err().to_string();
    assert!(xz.contains("gzip or zstd"), "{xz}");
}

#[test]
fn what_is_no_archive_is_refused_by_name() {
    let file = file(&tar(&[("README".into(), b"text".to_vec())]));
    let error = Archive::open(file.path()).unwrap_err().to_string();
    assert!(error.contains("no manifest.json") && error.contains(&file.path().display().to_string()), "{error}");
    assert!(open(b"not a tar file at all, but long enough to look at").is_err());
    assert!(open(&[0; 1024]).is_err());
    let missing = Archive::open(Path::new("/nonexistent.tar")).unwrap_err().to_string();
    assert_eq!(missing, "read /nonexistent.tar");
    let text = open("a line of text\n".repeat(100).as_bytes()).unwrap_err().to_string();
    assert!(text.contains("no tar file") && !text.contains('\n'), "{text}");
    let whole = docker_archive("amd64");
    assert!(open(&whole[..1500]).is_err());
    let cut = (600..whole.len()).step_by(200).filter_map(|length| open(&whole[..length]).err());
    assert!(cut.map(|error| error.to_string()).any(|text| text.contains("it is cut off in ")));
}

/// The architectures and names of an archive's images.
fn outline(archive: &Archive) -> Vec<(String, &[String])> {
    archive.images.iter().map(|image: &ArchivedImage| (image.platform.words(), image.names.as_slice())).collect()
}

#[test]
fn of_several_platforms_the_nodes_own_is_meant() {
    let names = ["docker.io/library/app:1".to_owned()];
    for name in ["app:1", "docker.io/app:1", "index.docker.io/library/app:1"] {
        let archive = open(&flat(&[Some("arm64"), Some("amd64"), Some("s390x")], Some(name))).unwrap();
        assert_eq!(outline(&archive), [("amd64".to_owned(), &names[..])]);
    }
    let other = open(&flat(&[Some("arm64")], Some("app:1"))).unwrap();
    assert_eq!(outline(&other), [("arm64".to_owned(), &names[..])]);
    let nameless = open(&flat(&[Some("arm64"), Some("amd64")], None)).unwrap();
    assert_eq!(outline(&nameless), [("amd64".to_owned(), &[][..])]);
}

#[test]
fn null_is_as_good_as_nothing() {
    let archive = open(&flat(&[None], Some("app:1"))).unwrap();
    assert_eq!((archive.images.len(), archive.images[0].layers.len()), (1, 0));
    assert!(archive.images[0].platform.runs_on("amd64"));
    let config = json!({"rootfs": {"diff_ids": null}}).to_string();
    let list = json!([{"Config": "c.json", "RepoTags": ["<none>:<none>", "a:1"], "Layers": null}]).to_string();
    let entries =
        [("c.json", config), ("manifest.json", list)].map(|(name, text)| (name.to_owned(), text.into_bytes()));
    let archive = open(&tar(&entries)).unwrap();
    assert_eq!(archive.images[0].names, ["docker.io/library/a:1"]);
}

#[test]
fn layers_that_other_tools_compressed_have_the_digest_of_their_bytes() {
    let plain = LAYERS[0];
    let compressed = gzip(plain);
    let config = json!({"os": "linux", "architecture": "x86_64", "rootfs": {"diff_ids": [digest(plain)]}}).to_string();
    let list = json!([{"Config": "c", "RepoTags": ["a:1"], "Layers": ["1.tar.gz"]}]).to_string();
    let entries = [("c", config.into_bytes()), ("1.tar.gz", compressed.clone()), ("manifest.json", list.into_bytes())];
    let archive = open(&tar(&entries.map(|(name, bytes)| (name.to_owned(), bytes)))).unwrap();
    let layer = &archive.images[0].layers[0];
    assert_eq!((&layer.digest, &layer.chain, layer.form), (&digest(&compressed), &digest(plain), "tar+gzip"));
    assert!(archive.images[0].platform.runs_on("amd64"));
}

/// Thousands of damaged archives: each is read or refused, and nothing else happens.
#[test]
fn damaged_archives_are_read_or_refused() {
    let (seeds, mut state) = ([docker_archive("amd64"), layout(), flat(&[Some("amd64"), None], Some("a:1"))], 7_u64);
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut read = 0;
    for round in 0..3000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes.truncate(at + 1),
                // A word in place of another, of the same length.
                2 => {
                    let word = [&b"null"[..], b"true", b"[]  ", b"{}  ", b"\"x\" ", b"1e99"][random(6)];
                    let end = (at + word.len()).min(bytes.len());
                    bytes[at..end].copy_from_slice(&word[..end - at]);
                }
                _ => bytes[at] = b"0:/@\\\"{}[],"[random(11)],
            }
        }
        if let Ok(archive) = open(&bytes) {
            read += 1;
            for image in &archive.images {
                assert!(
                    image.names.iter().all(|name| kind_engine::ImageName::parse(name).unwrap().to_string() == *name)
                );
            }
        }
    }
    assert!(read > 100, "{read} were read: the damage is too great to reach much");
}

/// What a shipment holds: the names of its members, and its index.
fn packed(archive: &Archive, has: &[&str]) -> (Vec<String>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let has: BTreeSet<String> = has.iter().map(|chain| (*chain).to_owned()).collect();
    let path = pack(archive, &Lacking::of(archive, vec![0], &has), folder.path()).unwrap();
    let mut tar = tar::Archive::new(fs::File::open(&path).unwrap());
    let names = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    let members = Members::of(fs::File::open(&path).unwrap()).unwrap();
    let index = members.read("index.json", 10_000).unwrap().unwrap();
    (names, serde_json::from_slice(&index).unwrap())
}

#[test]
fn only_layers_that_the_node_lacks_are_sent() {
    let name = |layer: &[u8]| format!("blobs/sha256/{}", digest(layer).trim_start_matches("sha256:"));
    for archive in [open(&docker_archive("amd64")).unwrap(), open(&layout()).unwrap()] {
        let (all, index) = packed(&archive, &[]);
        assert!(all.contains(&name(LAYERS[0])) && all.contains(&name(LAYERS[1])), "{all:?}");
        assert_eq!(index["manifests"].as_array().unwrap().len(), archive.images[0].names.len());
        let (upper, _) = packed(&archive, &[&digest(LAYERS[0])]);
        assert!(!upper.contains(&name(LAYERS[0])) && upper.contains(&name(LAYERS[1])), "{upper:?}");
        let (none, _) = packed(&archive, &[&top()]);
        assert_eq!(none.len(), 4, "layout, index, manifest and configuration: {none:?}");
    }
}
