# shellcheck shell=sh
# The container's freezer: of v1, if the folder of the move names one, else of v2. $1: FROZEN or THAWED.
freezer() {
  if [ -r "$BERTH_MOVE/freezer" ]; then
    read -r file <"$BERTH_MOVE/freezer" && echo "$1" >"$file"
  else
    file=/sys/fs/cgroup$(cat "$BERTH_MOVE/cgroup")/cgroup.freeze
    [ ! -w "$file" ] || { [ "$1" = THAWED ] && echo 0 || echo 1; } >"$file"
  fi
}
