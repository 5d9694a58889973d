# Starts an engine in a root of its own: `start.sh ROOT RUN CGROUP COMMAND…`. It runs in new mount, process and network
# namespaces, and nothing that it does is seen outside of them but the control groups called CGROUP.
set -eu
root=$1 run=$2 cgroup=$3
shift 3

if [ -z "${CONFINED:-}" ]; then
    # First its place among the control groups, so that those of containers are below it and can be removed with it.
    while read -r _ folder kind _; do
        case $kind in cgroup | cgroup2) ;; *) continue ;; esac
        mkdir -p "$folder/$cgroup"
        for given in cpuset.cpus cpuset.mems; do
            if [ "$kind" = cgroup ] && [ -e "$folder/$given" ]; then cat "$folder/$given" >"$folder/$cgroup/$given"; fi
        done
        echo $$ >"$folder/$cgroup/cgroup.procs"
    done </proc/self/mounts
    CONFINED=1 exec unshare --cgroup -- sh "$0" "$root" "$run" "$cgroup" "$@"
fi

# As it is before anything is mounted here.
mounts=$(cat /proc/self/mounts)
# What is written goes into memory, but for the engine's data.
mount -t tmpfs tmpfs "$run/mounts"
mkdir "$run/mounts/written" "$run/mounts/work" "$run/mounts/root"
new=$run/mounts/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=$run/mounts/written,workdir=$run/mounts/work" "$new"
mkdir -p "$new/engine" "$new/lib/modules" "$new/var/lib/docker" "$new/var/lib/containers" "$new/old"
mount -t proc proc "$new/proc"
mount --rbind /sys "$new/sys"
mount --rbind /dev "$new/dev"
mount -t tmpfs tmpfs "$new/run"
mount -t tmpfs tmpfs "$new/tmp"
if [ -d /lib/modules ]; then mount --bind /lib/modules "$new/lib/modules"; fi
mount --bind "$run/data/docker" "$new/var/lib/docker"
mount --bind "$run/data/containers" "$new/var/lib/containers"
mount --bind "$run/shared" "$new/engine"
# The control groups once more, beginning with its own. Over themselves they cannot be mounted.
mount -t tmpfs tmpfs "$new/sys/fs/cgroup"
echo "$mounts" | while read -r _ folder kind options _; do
    case $kind in cgroup | cgroup2) mkdir -p "$new$folder" ;; esac
    case $kind in
    cgroup2) mount -t cgroup2 cgroup2 "$new$folder" ;;
    cgroup)
        wanted=
        for option in $(echo "$options" | tr , ' '); do
            case $option in
            name=*) wanted=none,$option ;;
            rw | ro | relatime | nosuid | nodev | noexec | clone_children | xattr | release_agent=*) ;;
            *) wanted=${wanted:+$wanted,}$option ;;
            esac
        done
        mount -t cgroup -o "$wanted" cgroup "$new$folder"
        ;;
    esac
done
cd "$new"
pivot_root . old
umount -l /old
cd /
# Version 2 gives controllers to groups below only where no process is in the group itself.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/init
    echo $$ >/sys/fs/cgroup/init/cgroup.procs
    sed -e 's/ / +/g' -e 's/^/+/' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset CONFINED
ip link set lo up
exec docker-init -- "$@"
