//! Archives, and what is wrong with a recipe.

use std::{fs, io::Read as _, path::Path};

use serde_json::Value;

use super::samples::{Files, LOADER, PLAIN, PROGRAM, Sample};
use crate::image::{BuiltImage, Image, ImageError, build::build, recipe::Source};

fn made(image: &Image, folder: &Path) -> Result<BuiltImage, ImageError> {
    let Source::Program(recipe) = &image.source else { panic!("{image:?} is of no program") };
    build(recipe, folder)
}

/// An image of the program `it` in this root.
fn image(files: &Files) -> Image {
    Image::from_binary(files.at("it")).root(files.path())
}

fn files() -> Files {
    let files = Files::of_debian();
    files.add("it", &Sample { libraries: &["libc.so.6"], ..PROGRAM });
    files
}

/// The text of the image's configuration, and the files of its layer.
fn contents(archive: &Path) -> (Value, Vec<String>) {
    let (mut configuration, mut names) = (Value::Null, Vec::new());
    for entry in tar::Archive::new(fs::File::open(archive).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if Path::new(&name).extension().is_some_and(|end| end == "tar") {
            let mut layer = tar::Archive::new(content.as_slice());
            let paths = layer.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string());
            names = paths.filter(|name| !name.ends_with('/')).collect();
        } else if name != "manifest.json" {
            configuration = serde_json::from_slice(&content).unwrap();
        }
    }
    (configuration, names)
}

#[test]
fn an_image_has_what_was_said_and_nothing_else() {
    let (files, folder) = (files(), tempfile::tempdir().unwrap());
    files.write("fixtures/app.toml", "x = 1");
    let image = image(&files)
        .name("example.com/team/it")
        .env("RUST_LOG", "info")
        .user("1000")
        .args(["serve", "--all"])
        .file("/etc/it", files.at("fixtures"))
        .folder("/data", 0o777);
    let built = made(&image, folder.path()).unwrap();
    assert!(built.reference.starts_with("example.com/team/it:"), "{}", built.reference);
    let (configuration, names) = contents(&built.archive);
    let expected = ["etc/it/app.toml", "lib/x86_64-linux-gnu/libc.so.6", LOADER.trim_start_matches('/'), "usr/bin/it"];
    assert_eq!(names, expected);
    assert_eq!(configuration["architecture"], "amd64");
    let config = &configuration["config"];
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/bin/it"]));
    assert_eq!(config["Cmd"], serde_json::json!(["serve", "--all"]));
    assert_eq!(config["User"], "1000");
    let environment = config["Env"].as_array().unwrap();
    assert!(environment.len() == 2 && environment[1] == "RUST_LOG=info", "{environment:?}");
}

#[test]
fn the_same_content_is_the_same_bytes_and_another_is_another_reference() {
    let (files, other) = (files(), files());
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let first = made(&image(&files), folders[0].path()).unwrap();
    // Elsewhere, later.
    let second = made(&image(&other), folders[1].path()).unwrap();
    assert_eq!(first.reference, second.reference);
    assert_eq!(fs::read(&first.archive).unwrap(), fs::read(&second.archive).unwrap());

    files.add("it", &Sample { libraries: &[], ..PROGRAM });
    let changed = made(&image(&files), folders[0].path()).unwrap();
    assert_ne!(changed.reference, first.reference);
    let of_others = [
        made(&image(&other).env("A", "1"), folders[1].path()),
        made(&image(&other).args(["a"]), folders[1].path()),
        made(&image(&other).user("1"), folders[1].path()),
        made(&image(&other).folder("/tmp", 0o1777), folders[1].path()),
    ];
    for one in of_others {
        assert_ne!(one.unwrap().reference, second.reference);
    }
    assert_eq!(made(&image(&other).tag("v1"), folders[2].path()).unwrap().reference, "it:v1");
}

#[test]
fn what_was_made_is_not_made_again_until_a_source_changes() {
    let (files, folder) = (files(), tempfile::tempdir().unwrap());
    let first = made(&image(&files), folder.path()).unwrap();
    fs::write(&first.archive, fs::read(&first.archive).unwrap()).unwrap();
    assert_eq!(made(&image(&files), folder.path()).unwrap(), first);
    // A library, in the same size.
    let path = "/lib/x86_64-linux-gnu/libc.so.6";
    let library = Sample { libraries: &["libx.so"], ..PLAIN }.bytes();
    files.write("/lib/x86_64-linux-gnu/libx.so", PLAIN.bytes()).write(path, library);
    assert_ne!(made(&image(&files), folder.path()).unwrap().archive, first.archive);
}

#[test]
fn certificates_of_this_machine_are_where_programs_look() {
    let (files, folder) = (files(), tempfile::tempdir().unwrap());
    match made(&image(&files).ca_certificates(), folder.path()) {
        Ok(built) => {
            let (configuration, names) = contents(&built.archive);
            assert!(names.contains(&"etc/ssl/certs/ca-certificates.crt".to_owned()), "{names:?}");
            let variable = "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt";
            assert!(configuration["config"]["Env"].as_array().unwrap().contains(&variable.into()));
        }
        // A machine may have none.
        Err(error) => assert!(matches!(error, ImageError::NoCertificates { .. }), "{error}"),
    }
}

#[test]
fn what_cannot_be_is_named() {
    let (files, folder) = (files(), tempfile::tempdir().unwrap());
    files.write("script", "#!/bin/sh\necho");
    let refused = |image: Image| {
        let error = made(&image, folder.path()).unwrap_err();
        format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
    };
    for (image, expected) in [
        (Image::from_binary(files.at("none")), "there is no such file; Cargo builds"),
        (Image::from_binary(files.path()), "there is no such file"),
        (Image::from_binary(files.at("script")), "found a script that begins with `#!/bin/sh`"),
        (image(&files).name("Controller"), "\\\"Controller:0\\\" is no name of an image"),
        (image(&files).tag("a b"), "expected a tag"),
        (image(&files).tag("latest"), "tag \"latest\": expected another one"),
        (image(&files).user("nobody"), "make image it: user \"nobody\": expected numbers"),
        (image(&files).user("1:"), "user \"1:\": expected numbers"),
        (image(&files).env("A=B", ""), "variable \"A=B\": expected a name without `=`"),
        (image(&files).file("app.toml", files.at("it")), "path \"app.toml\": expected one that begins with `/`"),
        (image(&files).folder("tmp", 0o777), "path \"tmp\""),
        (image(&files).file("/x", files.at("none")), "read "),
        (image(&files).root("/nonexistent"), "needs ld-linux-x86-64.so.2 for amd64"),
    ] {
        let text = refused(image);
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was begun");
}
