# A CRIU that works here, for setup.sh. Which one does is found by a real dump and restore (criu-trial.sh), not by
# version: Debian 12's fails on kernel 6.18, Debian 13's on some sockets, and `criu check` praises both.
# Result: $lib/criu/criu, a wrapper that runs the machine's own CRIU or one from a later Debian in a private tree.

later_suite=forky # has 4.2.1, the first release that works with kernel 6.18

ensure_criu() {
  dir=$lib/criu
  key=$(criu_key)
  if [ -x "$dir/criu" ] && [ "$(cat "$dir/tried" 2>/dev/null)" = "$key" ] && "$dir/criu" --version >/dev/null 2>&1; then
    return 0
  fi
  will 'look for a CRIU that works with this kernel, by dumping and restoring a container'
  mkdir -p "$dir"
  log=$dir/trial.log
  if own=$(command -v criu); then
    write_wrapper "exec $own \"\$@\""
    try_criu "this machine's own" && return 0
  fi
  if [ -x "$dir/tree/usr/sbin/criu" ] || fetch_criu; then
    write_wrapper "$(tree_command "$dir/tree")"
    try_criu "the one of Debian $later_suite" && return 0
  fi
  rm -f "$dir/criu"
  say "NO CRIU WORKS with kernel $(uname -r): containers will run, but not move while running (see above, and $log)"
}

# All that the verdict depends on.
criu_key() {
  printf '%s %s' "$(uname -r)" "$(dpkg-query -W -f '${Package}=${Version} ' lxc criu 2>/dev/null)"
  cksum <"$here/setup/criu-trial.sh"
}

# try_criu WHICH: succeeds, and remembers, if the wrapper's CRIU passes the trial.
try_criu() {
  version=$("$dir/criu" --version 2>/dev/null | sed -n 's/^Version: //p')
  if sh "$here/setup/criu-trial.sh" "$dir" >"$log" 2>&1; then
    printf '%s\n' "$key" >"$dir/tried"
    say "CRIU $version works ($1)"
  else
    say "CRIU $version does not work here ($1): $(reason)"
    return 1
  fi
}

# The first error of the trial that is not said in good trials too (root of a container may not raise limits).
reason() {
  grep 'Error\|ERROR' "$log" | grep -m 1 -v 'RLIMIT_NOFILE' || tail -n 1 "$log"
}

write_wrapper() {
  printf '#!/bin/sh\n# written by berth set-up\n%s\n' "$1" >"$dir/criu.new"
  chmod 755 "$dir/criu.new"
  mv "$dir/criu.new" "$dir/criu"
}

# The tree brings its own libc, so that the machine's stays as it is.
tree_command() {
  loader=$(find "$1/usr/lib" "$1/usr/lib64" -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
  libraries=$(dirname "$(find "$1/usr/lib" -name 'libc.so.6' | head -n 1)")
  printf "exec %s --library-path %s %s/usr/sbin/criu \"\$@\"" "$loader" "$libraries" "$1"
}

# Downloads criu and all it depends on from the mirror that the machine uses already, with an apt state of its own
# (so the machine's apt never hears of that suite), checked against Debian's keyring, and unpacks it beside.
fetch_criu() {
  work=$dir/apt
  rm -rf "$work" "$dir/tree.new"
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/parts" "$dir/tree.new"
  : >"$work/status" # nothing is installed there: so apt's solver answers with the whole closure
  mirror=$(debian_mirror)
  will "fetch CRIU with its libraries from $mirror $later_suite into $dir/tree"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $later_suite main" >"$work/sources.list"
  cat >"$work/apt.conf" <<CONF
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/parts";
Dir::Etc::preferences "$work/none";
Dir::Etc::preferencesparts "$work/parts";
Acquire::Languages "none";
APT::Sandbox::User "root";
APT::Keep-Downloaded-Packages "true";
CONF
  APT_CONFIG=$work/apt.conf apt-get -qq update >&2 &&
    APT_CONFIG=$work/apt.conf apt-get -qq -y --no-install-recommends --download-only install criu </dev/null >&2 || return 1
  for deb in "$work"/archives/*.deb; do dpkg -x "$deb" "$dir/tree.new" || return 1; done
  rm -rf "$work" "$dir/tree"
  mv "$dir/tree.new" "$dir/tree"
}

# The address the machine itself gets Debian from.
debian_mirror() {
  . /etc/os-release
  apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' |
    sed -n "s/^\($VERSION_CODENAME\|stable\|testing\) //p" | head -n 1 | grep . || echo http://deb.debian.org/debian
}
