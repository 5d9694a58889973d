//! What loaders would find.

use std::{collections::BTreeMap, path::PathBuf};

use elf::abi::{DT_RPATH, DT_RUNPATH, EM_AARCH64};

use super::samples::{Files, LOADER, PLAIN, PROGRAM, Sample};
use crate::image::{ImageError, libraries::needed, root::Root};

/// Where each file of the image is in the root, the program and the loader left out.
fn found(files: &Files, program: &str) -> Result<BTreeMap<String, PathBuf>, ImageError> {
    let root = Root::new(files.path().to_owned());
    let mut needed = needed(&files.at(program), "/usr/bin/it", &root, &BTreeMap::new())?.files;
    assert_eq!(needed.remove("/usr/bin/it"), Some(files.at(program).canonicalize().unwrap()));
    needed.remove(LOADER).expect("the loader is in it");
    Ok(needed)
}

fn assert_found(files: &Files, program: &str, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(image, here)| ((*image).to_owned(), files.at(here)));
    assert_eq!(found(files, program).unwrap(), expected.collect());
}

#[test]
fn libraries_of_libraries_come_once_each() {
    let files = Files::of_debian();
    files
        .add("it", &Sample { libraries: &["libone.so", "libc.so.6"], ..PROGRAM })
        .add("/usr/lib/x86_64-linux-gnu/libone.so", &Sample { libraries: &["libtwo.so", "libc.so.6"], ..PLAIN })
        // Those of this folder win in the end, but the loader names itself.
        .add("/usr/lib/libtwo.so", &Sample { libraries: &["libone.so", "ld-linux-x86-64.so.2"], ..PLAIN });
    let same = ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/libtwo.so", "/usr/lib/x86_64-linux-gnu/libone.so"];
    assert_found(&files, "it", &same.map(|path| (path, path)));
}

#[test]
fn run_paths_count_from_where_the_file_is_here_and_in_the_image() {
    let files = Files::of_debian();
    files
        .add(
            "/build/debug/it",
            &Sample {
                libraries: &["libone.so", "libthree.so"],
                folders: Some((DT_RUNPATH, "$ORIGIN/../vendor:/opt/lib")),
                ..PROGRAM
            },
        )
        .add(
            "/build/vendor/libone.so",
            &Sample { libraries: &["libtwo.so"], folders: Some((DT_RUNPATH, "${ORIGIN}/deep")), ..PLAIN },
        )
        .add("/build/vendor/deep/libtwo.so", &PLAIN)
        .add("/opt/lib/libthree.so", &PLAIN);
    let expected = [
        ("/opt/lib/libthree.so", "/opt/lib/libthree.so"),
        ("/usr/vendor/deep/libtwo.so", "/build/vendor/deep/libtwo.so"),
        ("/usr/vendor/libone.so", "/build/vendor/libone.so"),
    ];
    // `..` stays in the path here.
    let found = found(&files, "/build/debug/it").unwrap();
    let found: BTreeMap<String, PathBuf> =
        found.into_iter().map(|(image, here)| (image, here.canonicalize().unwrap())).collect();
    let expected = expected.map(|(image, here)| (image.to_owned(), files.at(here).canonicalize().unwrap()));
    assert_eq!(found, expected.into());
}

#[test]
fn only_the_old_kind_of_path_counts_for_libraries_of_libraries() {
    for (kind, is_inherited) in [(DT_RPATH, true), (DT_RUNPATH, false)] {
        let files = Files::of_debian();
        files
            .add("it", &Sample { libraries: &["libone.so"], folders: Some((kind, "/opt/lib")), ..PROGRAM })
            .add("/opt/lib/libone.so", &Sample { libraries: &["libtwo.so"], ..PLAIN })
            .add("/opt/lib/libtwo.so", &PLAIN);
        assert_eq!(found(&files, "it").is_ok(), is_inherited);
    }
}

#[test]
fn what_is_configured_here_is_beside_the_c_library_there() {
    let files = Files::of_debian();
    files
        .write("/etc/ld.so.conf", "# all\ninclude /etc/ld.so.conf.d/*.conf\ninclude none.conf\n")
        .write("/etc/ld.so.conf.d/one.conf", "/opt/one/lib/ # here\n")
        .write("/etc/ld.so.conf.d/two.conf.off", "/opt/two/lib\n")
        .add("it", &Sample { libraries: &["libone.so"], ..PROGRAM })
        .add("/opt/one/lib/libone.so", &PLAIN)
        .add("/opt/two/lib/libtwo.so", &PLAIN);
    assert_found(&files, "it", &[("/lib/x86_64-linux-gnu/libone.so", "/opt/one/lib/libone.so")]);
    files.add("it", &Sample { libraries: &["libtwo.so"], ..PROGRAM });
    assert!(matches!(found(&files, "it"), Err(ImageError::NoLibrary { .. })));
}

#[test]
fn what_is_for_another_machine_or_no_library_is_passed_over() {
    let files = Files::of_debian();
    files
        .add("it", &Sample { libraries: &["libone.so"], ..PROGRAM })
        .add("/lib/x86_64-linux-gnu/libone.so", &Sample { machine: EM_AARCH64, ..PLAIN })
        // A script of the linker, as development packages have it.
        .write("/usr/lib/x86_64-linux-gnu/libone.so", "INPUT(libone.so.1)")
        .add("/usr/lib/libone.so", &PLAIN);
    assert_found(&files, "it", &[("/usr/lib/libone.so", "/usr/lib/libone.so")]);
}

#[test]
fn musl_is_its_own_c_library() {
    let files = Files::new();
    let loader = "/lib/ld-musl-x86_64.so.1";
    files
        .add(loader, &PLAIN)
        .add("it", &Sample { loader: Some(loader), libraries: &["libc.so", "libone.so"], ..PLAIN })
        .write("/etc/ld-musl-x86_64.path", "/lib:/opt/lib\n")
        .add("/opt/lib/libone.so", &Sample { libraries: &["libc.musl-x86_64.so.1"], ..PLAIN });
    let root = Root::new(files.path().to_owned());
    let needed = needed(&files.at("it"), "/usr/bin/it", &root, &BTreeMap::new()).unwrap();
    let names: Vec<&str> = needed.files.keys().map(String::as_str).collect();
    assert_eq!(names, [loader, "/lib/libone.so", "/usr/bin/it"]);
}

#[test]
fn a_static_program_is_alone() {
    let files = Files::new();
    files.add("it", &PLAIN);
    let root = Root::new(files.path().to_owned());
    let needed = needed(&files.at("it"), "/usr/bin/it", &root, &BTreeMap::new()).unwrap();
    assert_eq!(needed.files.keys().collect::<Vec<_>>(), ["/usr/bin/it"]);
    assert_eq!(needed.machine.architecture(), "amd64");
}

#[test]
fn a_missing_library_is_named_with_who_needs_it_and_may_be_added() {
    let files = Files::of_debian();
    files
        .add("it", &Sample { libraries: &["libone.so"], folders: Some((DT_RUNPATH, "/opt/lib")), ..PROGRAM })
        .add("/opt/lib/libone.so", &Sample { libraries: &["libtwo.so"], ..PLAIN })
        .add("elsewhere.so", &PLAIN);
    let text = found(&files, "it").unwrap_err().to_string();
    let needed_by = files.at("/opt/lib/libone.so").display().to_string();
    assert!(text.starts_with(&format!("make an image: {needed_by} needs libtwo.so for amd64, which is in none of ")));
    assert!(text.contains("/usr/lib/x86_64-linux-gnu, ") && text.contains("file(\"/usr/lib/libtwo.so\", …)"), "{text}");
    let added = BTreeMap::from([("/usr/lib/libtwo.so".to_owned(), files.at("elsewhere.so"))]);
    let root = Root::new(files.path().to_owned());
    let needed = needed(&files.at("it"), "/usr/bin/it", &root, &added).unwrap();
    assert_eq!(needed.files["/usr/lib/libtwo.so"], files.at("elsewhere.so"));
}

#[test]
fn this_machine_has_what_this_program_needs() {
    let program = std::env::current_exe().unwrap();
    let root = Root::new("/".into());
    let needed = needed(&program, "/usr/bin/this", &root, &BTreeMap::new()).unwrap();
    let names: Vec<&String> = needed.files.keys().collect();
    assert!(names.iter().any(|name| name.contains("/ld-linux")), "{names:?}");
    assert!(names.iter().any(|name| name.contains("/libc.so")), "{names:?}");
}
