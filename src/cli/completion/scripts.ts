/**
 * What a user's shell loads: each asks `berth __complete` and filters nothing itself. Bash breaks words at colons, so its
 * script counts words by itself and cuts the part before the colon from the answers.
 */
export const SCRIPTS = {
  bash: `_berth() {
  local line="\${COMP_LINE:0:COMP_POINT}" words current
  read -ra words <<<"$line"
  [[ "$line" == *" " ]] && words+=("")
  current="\${words[-1]}"
  local IFS=$'\\n'
  COMPREPLY=($(berth __complete -- "\${words[@]:1}" 2>/dev/null))
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local prefix="\${current%:*}:"
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
  [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *: ]] && compopt -o nospace
}
complete -o default -F _berth berth
`,
  zsh: `#compdef berth
_berth() {
  local -a answers
  answers=("\${(@f)$(berth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- \${answers:#} || _files
}
compdef _berth berth
`,
  fish: `function __berth_complete
  set -l words (commandline -opc) (commandline -ct)
  berth __complete -- $words[2..-1] 2>/dev/null
end
complete -c berth -a '(__berth_complete)'
`,
} as const;
