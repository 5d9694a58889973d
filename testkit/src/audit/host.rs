//! What the kernel and the engine's own folder say of this machine.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

/// The folder of a container's own layer. Only root may read it, and only the storage driver overlay2 has it: layers are
/// an engine's own business, and elsewhere they are not looked for.
pub(super) fn layer(engine_root: &Path, container: &str) -> Option<String> {
    let mount = engine_root.join("image/overlay2/layerdb/mounts").join(container).join("mount-id");
    Some(fs::read_to_string(mount).ok()?.trim().to_owned())
}

/// Where something is mounted that has one of these texts in its description.
pub(super) fn mounts(marks: &[&str]) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let ours = table.lines().filter(|line| marks.iter().any(|mark| line.contains(mark)));
    ours.filter_map(|line| line.split(' ').nth(4)).map(str::to_owned).collect()
}

/// Every process whose state folder this is, or that has one of the texts among its arguments; but not this one or one
/// that it stems from.
pub(super) fn processes(state: &Path, marks: &[&str]) -> Vec<String> {
    let variable = [b"KIND_TEST_STATE_DIR=", state.as_os_str().as_bytes()].concat();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(number) = name.parse::<u32>() else { continue };
        // A process that ends meanwhile is none.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        let is_ours = environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_slice())
            || marks.iter().any(|mark| arguments.contains(mark));
        // One that ended and was not yet waited for has neither.
        if is_ours && !stems_from(number) {
            found.push(format!("process {number} {}", arguments.trim()));
        }
    }
    found
}

/// Whether this process stems from that one, or is it.
fn stems_from(ancestor: u32) -> bool {
    let mut process = std::process::id();
    while process > 1 {
        if process == ancestor {
            return true;
        }
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let Some(parent) = parent.and_then(|text| text.trim().parse().ok()) else { return false };
        process = parent;
    }
    false
}
