# shellcheck shell=sh
# A gate: the script stands still until the agent has decided. The agent first writes the word ("go" or "back") to the
# file $BERTH_MOVE/$1.word, then pokes the pipe $1.gate; so a word given before we came, or by an agent that was
# restarted in between, is found as well. Without a word we wait for ever: a dead agent decides nothing.
gate() {
  exec 3<>"$BERTH_MOVE/$1.gate"
  : >"$BERTH_MOVE/at.$1"
  [ -e "$BERTH_MOVE/$1.word" ] || read -r _ <&3
  exec 3<&-
  read -r word <"$BERTH_MOVE/$1.word" && [ "$word" = go ]
}
