//! Writes `conformance/names/VERSION.tsv` and `images/upstream/VERSION.tsv` for every supported version, from the Kubernetes
//! module of that version: the specs, and the images that kubeadm and the specs expect.
//!
//! `cargo run -p kind-conformance --bin conformance-names` (needs Go; run it after a change of the version table)

use std::{error::Error, fs, path::Path, process::Command};

use kind_conformance::{generate, generate_images};
use kind_images::Release;

fn main() -> Result<(), Box<dyn Error>> {
    for release in Release::all() {
        let version = release.kubernetes;
        let module = module(version)?;
        let read = |path: &str| fs::read_to_string(Path::new(&module).join(path));
        let constants = read("cmd/kubeadm/app/constants/constants.go")?;
        let text = generate_images(version, &constants, &read("test/utils/image/manifest.go")?)?;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../images/upstream/{version}.tsv"));
        fs::write(&path, &text)?;
        println!("{}: {} images", path.display(), text.lines().count() - 1);
        if !release.has_conformance() {
            continue;
        }
        let list = fs::read_to_string(Path::new(&module).join("test/conformance/testdata/conformance.yaml"))?;
        let text = generate(version, &list, &mut |file| fs::read_to_string(Path::new(&module).join(file)))?;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("names/{version}.tsv"));
        fs::write(&path, &text)?;
        println!("{}: {} specs", path.display(), text.lines().count() - 1);
    }
    Ok(())
}

/// The folder in which Go keeps the module of that version, downloaded and verified where it is missing.
fn module(version: &str) -> Result<String, Box<dyn Error>> {
    let mut go = Command::new("go");
    // Outside of any module of the caller's.
    go.args(["mod", "download", "-json", &format!("k8s.io/kubernetes@{version}")])
        .current_dir("/")
        .env("GOWORK", "off");
    let output = go.output()?;
    if !output.status.success() {
        return Err(format!("go mod download: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(facts["Dir"].as_str().ok_or("go mod download names no folder")?.to_owned())
}
