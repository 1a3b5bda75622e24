#!/bin/sh
# Makes this machine able to run Berth: Debian packages, id ranges, npm packages, a CRIU that works with the running
# kernel. Run as root, any number of times; it says what it changes, one line each, and changes nothing else.
# Needs only Debian 12 or 13, Node 20+ and npm. Takes well under 2 s when nothing is missing.
#
#   sh deploy/setup.sh          set up
#   sh deploy/setup.sh --quiet  the same, and say nothing if there was nothing to do
#   sh deploy/setup.sh --check  change nothing; exit 1 and say so if something is missing
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
lib=${BERTH_LIB:-/usr/local/lib/berth}
mode=${1:-}
changes=0

# What runs Berth; what only its tests need comes last (an archive may lack that: Debian 13 has no lxd-client).
packages='ca-certificates etcd-server etcd-client lxc lxcfs uidmap iproute2 nftables btrfs-progs rsync dnsmasq-base
  squashfs-tools xz-utils zstd bzip2 busybox-static socat iputils-ping'
packages_wished='criu lxd-client debootstrap python3-pylxd ansible'

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# will WHAT: announces a change; with --check it ends here.
will() {
  [ "$mode" != --check ] || fail "missing: $*"
  changes=$((changes + 1))
  say "$*"
}

. "$here/setup/packages.sh"
. "$here/setup/criu.sh"

main() {
  [ "$(id -u)" = 0 ] || fail 'must be run as root: it installs packages and starts a test container'
  [ -r /etc/debian_version ] || fail 'knows only Debian 12 and 13'
  mkdir -p /run/lock
  exec 9>/run/lock/berth-setup
  flock 9 # two test runs may start together
  ensure_packages
  ensure_id_ranges
  ensure_npm_packages
  ensure_sysctls
  ensure_criu
  if [ "$changes" = 0 ] && [ "$mode" != --quiet ]; then say 'nothing to do'; fi
}

# Unprivileged containers take their user and group ids from root's ranges.
ensure_id_ranges() {
  for file in /etc/subuid /etc/subgid; do
    if ! grep -q '^root:1000000:1000000000$' "$file" 2>/dev/null; then
      will "add root:1000000:1000000000 to $file"
      echo root:1000000:1000000000 >>"$file"
    fi
  done
}

# npm packages, when missing or older than the lock file. No install scripts run: none of ours needs any. Not `npm ci`:
# it refuses a lock file without the optional packages of other platforms, which some mirrors do not carry; an install
# that saves nothing takes the same locked versions, checked by the same hashes.
ensure_npm_packages() {
  installed=$root/node_modules/.package-lock.json
  if [ -x "$root/node_modules/.bin/node" ] && [ -e "$installed" ] && ! [ "$root/package-lock.json" -nt "$installed" ]; then
    return 0
  fi
  will 'install the npm packages of package-lock.json, Node 24 among them'
  (cd "$root" && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
    fail 'npm could not install them: see above'
  touch "$installed"
}

# What moves need of the kernel until the next boot (reference: CRIU's page pipes are 4 MiB where root lacks
# CAP_SYS_RESOURCE; the fault handler of an unprivileged container needs userfaultfd). The rest works without.
ensure_sysctls() {
  ensure_sysctl_at_least fs/pipe-max-size 4194304
  ensure_sysctl_at_least vm/unprivileged_userfaultfd 1
  # See deploy/systemd/60-berth.conf.
  file=/proc/sys/net/netfilter/nf_conntrack_buckets
  if ! [ -r "$file" ] || [ "$(cat "$file")" -le 32768 ]; then return 0; fi
  will "sysctl net/netfilter/nf_conntrack_buckets = 32768 (for short pauses; until the next boot)"
  echo 32768 2>/dev/null >"$file" || say 'not allowed to set net/netfilter/nf_conntrack_buckets: pauses are some ms longer'
}

ensure_sysctl_at_least() {
  file=/proc/sys/$1
  if ! [ -r "$file" ] || [ "$(cat "$file")" -ge "$2" ]; then return 0; fi
  will "sysctl $1 = $2 (for post-copy; until the next boot)"
  echo "$2" 2>/dev/null >"$file" || say "not allowed to set $1: post-copy will not be offered"
}

main
