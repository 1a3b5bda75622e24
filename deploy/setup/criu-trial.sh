#!/bin/sh
# criu-trial.sh FOLDER: does the `criu` in FOLDER work with this kernel and this LXC? Starts a small unprivileged
# container with what containers have (sockets, an open TCP connection, several processes), dumps it, restores it, and
# asks a process in it for something that only its memory holds. Exit 0: it does. Leaves nothing behind.
set -eu
PATH=$1:$PATH
name=berth-criu-trial-$$
ids=1000000

work=$(mktemp -d /var/tmp/berth-criu-trial.XXXXXX)
chmod 755 "$work" # the container's root must be able to walk to its rootfs
clean() {
  lxc-stop -P "$work" -n "$name" -k 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

rootfs=$work/$name/rootfs
mkdir -p "$rootfs/bin" "$rootfs/sbin" "$rootfs/dev" "$rootfs/proc" "$rootfs/sys" "$rootfs/tmp" "$rootfs/etc" "$work/images"
cp /bin/busybox "$rootfs/bin/busybox"
for applet in sh nc cat sleep syslogd ip; do ln -s busybox "$rootfs/bin/$applet"; done
ln -s ../bin/busybox "$rootfs/sbin/init"
cat >"$rootfs/etc/inittab" <<'INITTAB'
::sysinit:/bin/ip link set lo up
::respawn:/bin/syslogd -n
::respawn:/bin/nc -l -p 7000 -e /bin/cat
::respawn:/bin/sh /etc/remember
INITTAB
# Keeps a word in memory and a TCP connection open; says the word again and again, through the connection.
cat >"$rootfs/etc/remember" <<'REMEMBER'
sleep 0.1
read word </proc/sys/kernel/random/uuid
echo "$word" >/tmp/word
while echo "$word"; do sleep 0.02; done | nc 127.0.0.1 7000 | while read line; do echo "$line" >/tmp/heard; done
sleep 1000
REMEMBER
chown -R "$ids:$ids" "$rootfs"
cat >"$work/$name/config" <<CONFIG
lxc.uts.name = trial
lxc.rootfs.path = dir:$rootfs
lxc.idmap = u 0 $ids 65536
lxc.idmap = g 0 $ids 65536
lxc.net.0.type = empty
lxc.tty.max = 0
lxc.pty.max = 1
lxc.console.path = none
lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed
lxc.cgroup.dir = $name
CONFIG
# Said only where there is AppArmor: elsewhere LXC would pass it on, and CRIU refuse it.
if grep -qs Y /sys/module/apparmor/parameters/enabled; then
  echo 'lxc.apparmor.profile = unconfined' >>"$work/$name/config"
fi
# CRIU is told what Berth's agents will tell it; the action gives the restored network its loopback back. CRIU runs it
# with standard input closed, and nsenter of util-linux 2.41 (Debian 13) then silently stays where it is: hence null.
cat >"$work/criu.conf" <<CONFIG
empty-ns net
network-lock skip
cgroup-root :/$name/lxc.payload.$name
action-script $work/action
CONFIG
cat >"$work/action" <<'ACTION'
#!/bin/sh
[ "$CRTOOLS_SCRIPT_ACTION" != setup-namespaces ] || nsenter -t "$CRTOOLS_INIT_PID" -n ip link set lo up </dev/null
ACTION
chmod 755 "$work/action"
export CRIU_CONFIG_FILE="$work/criu.conf"
criu --version # refuses options that it does not know

# await FILE: until it is there, at most 5 s.
await() {
  for _ in $(seq 100); do
    if [ -s "$1" ]; then return 0; fi
    sleep 0.05
  done
  echo "nothing wrote $1"
  return 1
}

lxc-start -P "$work" -n "$name" -o "$work/lxc.log" -l INFO || { tail -n 20 "$work/lxc.log"; exit 1; }
await "$rootfs/tmp/heard"
timeout -k 1 20 lxc-checkpoint -P "$work" -n "$name" -s -D "$work/images" ||
  { grep -h 'Error\|Warn' "$work/images/dump.log"; echo 'the dump failed'; exit 1; }
rm "$rootfs/tmp/heard"
timeout -k 1 20 lxc-checkpoint -P "$work" -n "$name" -r -D "$work/images" ||
  { grep -h 'Error\|Warn' "$work/images/restore.log"; echo 'the restore failed'; exit 1; }
await "$rootfs/tmp/heard"
[ "$(cat "$rootfs/tmp/heard")" = "$(cat "$rootfs/tmp/word")" ] || { echo 'restored with a wrong memory'; exit 1; }
