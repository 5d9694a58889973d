//! What a virtual machine has besides when its engine runs as a user: the user, what that one may do, and the engine as a
//! service of that user. Pure.

use super::guest::File;

/// What the check waits for, and who it runs as.
pub(super) const SERVICE: (&str, &str) = (
    "user@1000.service",
    "User=tester
Environment=ARTIFACTS=/home/tester/artifacts HOME=/home/tester XDG_RUNTIME_DIR=/run/user/1000 DOCKER_HOST=unix:///run/user/1000/docker.sock
ExecStart=systemctl --user start docker.service",
);

/// The engine, as a service of the user's. Debian's package has the script that gives it a user namespace.
const ENGINE: &str = "[Unit]
Description=Docker without root

[Service]
Type=notify
NotifyAccess=all
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/usr/share/docker.io/contrib/dockerd-rootless.sh
TimeoutStartSec=10min
Delegate=yes
KillMode=mixed
";

/// Modules that only root can load, and nobody's command asks for.
const MODULES: &str = "br_netfilter\nfuse\nip_tables\nip6_tables\niptable_nat\nip6table_nat\nnf_tables\noverlay\ntun\n";

/// Its files.
pub(super) fn files() -> [File; 10] {
    [
        File::new("usr/lib/sysusers.d/tester.conf", "u tester 1000 \"Tests\" /home/tester /bin/bash\n"),
        File::new("usr/lib/tmpfiles.d/tester.conf", "d /home/tester 0700 tester tester\n"),
        File::new("etc/subuid", "tester:100000:65536\n"),
        File::new("etc/subgid", "tester:100000:65536\n"),
        // The user's services run although nobody is logged in.
        File::new("var/lib/systemd/linger/tester", ""),
        File::new("etc/systemd/system/user@.service.d/delegate.conf", "[Service]\nDelegate=yes\n"),
        File::new("etc/systemd/user/docker.service", ENGINE),
        // There is one engine.
        File::new("etc/systemd/system/docker.service.d/off.conf", "[Unit]\nConditionPathExists=/nonexistent\n"),
        File::new("etc/modules-load.d/tester.conf", MODULES),
        // A user cannot raise them.
        File::new(
            "etc/sysctl.d/tester.conf",
            "fs.inotify.max_user_instances=1024\nfs.inotify.max_user_watches=524288\n",
        ),
    ]
}
