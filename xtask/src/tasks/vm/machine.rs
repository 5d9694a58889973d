//! The virtual machine as qemu runs it.

use std::path::Path;

use super::root::Root;
use crate::{args::VmArgs, process::Tool};

/// How long all of it may take, in seconds: an emulated machine starts in half a minute, and its cluster in some.
const LIMIT: &str = "5400";

/// qemu with both disks, which it does not change, and the console on its standard output.
pub(super) fn qemu(arguments: &VmArgs, root: &Root, payload: &Path) -> Tool {
    let disk = |path: &Path| format!("file={},format=raw,if=virtio,snapshot=on", path.display());
    // The program of that name ends one that hangs.
    Tool::new("timeout")
        .args(["--kill-after=30", LIMIT, "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-machine", "q35", "-cpu", "max", "-accel"])
        .arg(arguments.accelerator.name())
        .args(["-smp".to_owned(), arguments.processors.to_string(), "-m".to_owned(), arguments.memory.to_string()])
        .arg("-kernel")
        .arg(&root.kernel)
        .arg("-initrd")
        .arg(&root.initrd)
        .args(["-append", "root=/dev/vda rw console=ttyS0 loglevel=4 panic=-1 systemd.journald.forward_to_console=1 systemd.unified_cgroup_hierarchy=1"])
        .args(["-drive".to_owned(), disk(&root.disk), "-drive".to_owned(), disk(payload)])
        .args(["-device", "virtio-rng-pci", "-display", "none", "-nic", "none", "-serial", "stdio"])
}
