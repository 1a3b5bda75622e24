#!/bin/sh
# enter-host.sh DATA INSIDE [POOL_IMAGE]: makes a bare network + mount namespace, which it runs in, look like a host.
# DATA is shown as INSIDE; POOL_IMAGE, a file with a btrfs in it, is mounted on INSIDE/pools/default.
set -eu

# A private mount namespace pins what others have mounted: let go of their disks.
awk '$1 ~ "^/dev/loop" { print $2 }' /proc/mounts | while read -r mount; do umount -l "$mount" || true; done

# /sys must be this network namespace's, or LXC does not find the bridge; the cgroups are kept, or containers get none.
security=$(awk '$3 == "securityfs" { print $2; exit }' /proc/mounts)
mount --rbind /sys/fs/cgroup /mnt
umount -l /sys
mount -t sysfs sysfs /sys
mount --rbind /mnt /sys/fs/cgroup
umount -l /mnt
if [ -n "$security" ]; then mount -t securityfs securityfs "$security"; fi # AppArmor is spoken to there

# Each host's own /run: named namespaces, locks, CRIU's notes on the kernel (which it keeps only on a tmpfs).
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/lxc
# Shown at the same path on every host, as real hosts would have it, and passable for the roots of unprivileged
# containers wherever the cluster's folder lies (/root is closed to them).
mkdir -m 711 "$2"
mount --bind "$1" "$2"
mkdir -p "$2/pools/default" "$2/lxcfs"
chmod 711 "$2" "$2/pools"
if [ $# -gt 2 ]; then
  mount -t btrfs -o loop,noatime "$3" "$2/pools/default"
fi
