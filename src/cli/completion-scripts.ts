/** Shells that have a script. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The last line of an answer that leaves the word to the shell's own completion of paths. */
export const filesMark = ':files'

/**
 * What the shell runs at its start. Each script hands the words written so far to `optiflow __complete`, which answers with
 * `value TAB what it is` lines, or the mark above.
 */
export const completionScripts: Record<Shell, string> = {
  // No mapfile and no negative indices: bash 3.2 has neither. Words come from the line, as COMP_WORDS is cut at "=" and ":".
  bash: `_optiflow() {
  local line last= current prefix words=()
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  case "\${COMP_LINE:0:COMP_POINT}" in *[[:space:]]) words+=('') ;; esac
  current=\${words[\${#words[@]}-1]}
  prefix=\${current%"\${current##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    last=$line
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$prefix"}")
  done < <(optiflow __complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ $last == ${filesMark} ]]; then
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${current##*=}")
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _optiflow optiflow
`,
  zsh: `#compdef optiflow
_optiflow() {
  local line
  local -a lines values
  lines=("\${(@f)$(optiflow __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[-1]} == ${filesMark} ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n $line ]] && values+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line:#*$'\\t'*}:+:\${line#*$'\\t'}}")
  done
  _describe -t optiflow 'optiflow' values
}
if [[ $funcstack[1] == _optiflow ]]; then _optiflow "$@"; else compdef _optiflow optiflow; fi
`,
  fish: `function __optiflow_complete
  set -l current (commandline -ct)
  set -l words (commandline -opc) "$current"
  set -l lines (optiflow __complete -- $words[2..-1] 2>/dev/null)
  if test "$lines[-1]" = '${filesMark}'
    set -l before (string match -r '^--[^=]*=' -- "$current")
    for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current"))
      echo "$before$path"
    end
  else if test (count $lines) -gt 0
    printf '%s\\n' $lines
  end
end
complete -c optiflow -f -a '(__optiflow_complete)'
`,
}
