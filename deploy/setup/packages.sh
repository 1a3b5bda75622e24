# Debian packages for setup.sh: installs what is missing and keeps the services they bring from starting, now and at
# the next boot: Berth starts its own etcd, lxcfs and bridges, and a machine's ports are not ours to take.

policy=/usr/sbin/policy-rc.d

ensure_packages() {
  missing=$(missing_of $packages)
  wished=$(missing_of $packages_wished)
  if [ -z "$missing$wished" ]; then return 0; fi
  if [ -n "$missing" ] || ! [ -e "$lib/not-in-archive" ] || [ "$(cat "$lib/not-in-archive")" != "$wished" ]; then
    install_packages
  fi
}

install_packages() {
  will "apt-get update, then install $missing$wished"
  apt-get -qq update || say 'apt-get update failed; trying with the package lists there are'
  absent=''
  present=''
  for package in $wished; do
    if apt-cache policy "$package" | grep -q 'Candidate: [0-9]'; then present="$present$package "; else absent="$absent$package "; fi
  done
  hold_services
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing $present </dev/null >&2 ||
    { release_services; fail "apt-get could not install $missing$present: see above"; }
  release_services
  disable_new_services
  mkdir -p "$lib"
  printf '%s' "$absent" >"$lib/not-in-archive"
  [ -z "$absent" ] || say "this archive lacks $absent: the tests that need it will be skipped"
}

# missing_of PACKAGE...: those of them that are not installed, each followed by a space.
missing_of() {
  have=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    case $have in *" installed:$package "*) ;; *) printf '%s ' "$package" ;; esac
  done
}

# A policy-rc.d that says no for the time of the installation; one that is there already is put back afterwards.
hold_services() {
  release_services # of a run that was killed
  if [ -e "$policy" ]; then mv "$policy" "$policy.before-berth"; fi
  printf '#!/bin/sh\n# berth set-up: no service starts while it installs packages\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap release_services EXIT
}

release_services() {
  if grep -qs '^# berth set-up' "$policy"; then rm -f "$policy"; fi
  if [ -e "$policy.before-berth" ]; then mv "$policy.before-berth" "$policy"; fi
}

# Only of packages that were installed just now: what the machine had before stays as it was.
disable_new_services() {
  command -v systemctl >/dev/null || return 0
  for package in $missing; do
    case $package in
      etcd-server) set -- etcd.service ;;
      lxc) set -- lxc.service lxc-net.service lxc-monitord.service ;;
      lxcfs) set -- lxcfs.service ;;
      *) continue ;;
    esac
    systemctl --quiet disable "$@" 2>/dev/null || true
  done
}
