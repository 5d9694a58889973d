//! Where loaders look for libraries without being told by a program, and where in an image they find what lies elsewhere here.

use std::fs;

use super::{
    elf::{Headers, Machine},
    root::Root,
};

/// Names that musl's loader itself stands for.
const OF_MUSL: [&str; 7] = ["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];

/// What a loader knows by itself.
#[derive(Debug)]
pub(super) struct Folders {
    is_musl: bool,
    /// Folders of the loader's own, which it looks into in any root.
    pub(super) own: Vec<String>,
    /// Folders of this root's configuration, which an image has not.
    pub(super) configured: Vec<String>,
    /// The one of its own that gets what is in configured ones.
    pub(super) home: String,
}

impl Folders {
    /// Those of the loader with this path.
    pub(super) fn of(loader: &str, machine: Machine, root: &Root) -> Self {
        let is_musl = loader.rsplit('/').next().is_some_and(|name| name.starts_with("ld-musl-"));
        if is_musl { Self::of_musl(loader, machine, root) } else { Self::of_glibc(machine, root) }
    }

    fn of_glibc(machine: Machine, root: &Root) -> Self {
        let mut own: Vec<String> =
            machine.triplet().iter().flat_map(|name| [format!("/lib/{name}"), format!("/usr/lib/{name}")]).collect();
        let plain: &[&str] =
            if machine.is_64() { &["/lib64", "/usr/lib64", "/lib", "/usr/lib"] } else { &["/lib", "/usr/lib"] };
        own.extend(plain.iter().map(|&folder| folder.to_owned()));
        let mut configured = Vec::new();
        read_configuration(root, "/etc/ld.so.conf", &mut configured, 0);
        configured.retain(|folder| !own.contains(folder));
        // Where the C library is, its loader surely looks.
        let has_c = |folder: &&String| fitting(root, &format!("{folder}/libc.so.6"), machine).is_some();
        let home = own.iter().find(has_c).unwrap_or(&own[0]).clone();
        Self { is_musl: false, own, configured, home }
    }

    fn of_musl(loader: &str, machine: Machine, root: &Root) -> Self {
        let own: Vec<String> = ["/lib", "/usr/local/lib", "/usr/lib"].map(str::to_owned).to_vec();
        let name = loader.rsplit('/').next().unwrap_or_default().trim_end_matches(".so.1");
        let file = root.file(&format!("/etc/{name}.path"));
        let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let said = text.split([':', '\n']).map(|folder| folder.trim().to_owned()).filter(|folder| !folder.is_empty());
        let of_debian = machine.triplet().map(|name| name.replace("-gnu", "-musl"));
        let of_debian = of_debian.iter().flat_map(|name| [format!("/lib/{name}"), format!("/usr/lib/{name}")]);
        let configured = said.chain(of_debian).filter(|folder| !own.contains(folder)).collect();
        Self { is_musl: true, home: own[0].clone(), own, configured }
    }

    /// Whether the loader itself is this library.
    pub(super) fn is_built_in(&self, library: &str) -> bool {
        self.is_musl && OF_MUSL.iter().any(|name| library.starts_with(name))
    }
}

/// A file of the root that is for this machine.
pub(super) fn fitting(root: &Root, path: &str, machine: Machine) -> Option<std::path::PathBuf> {
    let file = root.file(path)?;
    Headers::of(&file).is_ok_and(|headers| headers.machine == machine).then_some(file)
}

/// The folders of an `ld.so.conf`, and of those that it includes.
fn read_configuration(root: &Root, path: &str, folders: &mut Vec<String>, depth: usize) {
    const DEEPEST: usize = 8;
    let text = root.file(path).and_then(|file| fs::read_to_string(file).ok());
    for line in text.unwrap_or_default().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        match words.next() {
            Some("include") if depth < DEEPEST => {
                let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                for pattern in words {
                    let whole =
                        if pattern.starts_with('/') { pattern.to_owned() } else { format!("{beside}/{pattern}") };
                    for file in matching(root, &whole) {
                        read_configuration(root, &file, folders, depth + 1);
                    }
                }
            }
            Some("include" | "hwcap") | None => {}
            Some(_) if line.starts_with('/') => folders.push(line.trim_end_matches('/').to_owned()),
            Some(_) => {}
        }
    }
}

/// The files that a pattern with a `*` in its last part stands for, in order.
fn matching(root: &Root, pattern: &str) -> Vec<String> {
    let Some((folder, name)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let entries = root.folder(folder).and_then(|folder| fs::read_dir(folder).ok());
    let names = entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let fits =
        |name: &String| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
    let mut found: Vec<String> = names.filter(fits).map(|name| format!("{folder}/{name}")).collect();
    found.sort();
    found
}
