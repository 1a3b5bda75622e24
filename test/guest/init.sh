#!/bin/sh
# Second program of the guest, in its root: kernel file systems, cgroup v2 alone, then the program of the command line
# (berth.run); ends the guest with a line that tells its exit status.
PATH=/berth/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root LC_ALL=C.UTF-8 TMPDIR=/tmp
export PATH HOME LC_ALL TMPDIR
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmp $folder; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for name in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control; done
printf '#!/bin/sh\nexec busybox modprobe "$@"\n' >/sbin/modprobe
chmod 755 /sbin/modprobe
echo /sbin/modprobe >/proc/sys/kernel/modprobe
sysctl -q vm.unprivileged_userfaultfd=1 fs.pipe-max-size=4194304
ip link set lo up
for word in $(cat /proc/cmdline); do
  case $word in berth.*=*) export "$(echo "${word%%=*}" | tr . _)=${word#*=}" ;; esac
done
cd /berth || exit
# shellcheck disable=SC2086 # words
setsid $(echo "$berth_run" | tr , ' ') </dev/null 2>&1
echo "guest: ended with $?"
echo o >/proc/sysrq-trigger
while :; do :; done # no program can be read any more
