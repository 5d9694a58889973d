//! Finding the processes of a run, so that tests can kill them.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

/// The keepers of a state folder.
pub fn keepers(state: &Path) -> Vec<u32> {
    // The variable of a keeper is the folder of its cluster.
    let begin = [b"KIND_HARNESS_KEEPER=", state.as_os_str().as_bytes(), b"/"].concat();
    processes(|folder| {
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(&begin))
    })
}

/// The processes that a process started.
pub fn children(of: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{of}");
    processes(|folder| {
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        status.lines().any(|line| line == parent)
    })
}

fn processes(is_wanted: impl Fn(&Path) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    numbers.filter(|(_, folder)| is_wanted(folder)).map(|(number, _)| number).collect()
}
