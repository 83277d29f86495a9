// The scripts that `fleet completion SHELL` prints. All of them ask `fleet __complete SHELL LINE`, so that a shell knows nothing of fleet's
// options. Its answer: a line `files`, or `words N` (the last N characters of the word are replaced), and then a candidate a line, with
// its description behind a tab. A space at the end of a candidate says that its word is whole.

import type { SHELLS } from './texts.js';

const BASH = `# bash completion of fleet: eval "$(fleet completion bash)"
_fleet() {
  local mode line
  COMPREPLY=()
  {
    IFS= read -r mode || return
    if [[ $mode == files ]]; then
      compopt +o nospace -o default
      return
    fi
    while IFS= read -r line; do COMPREPLY+=("$line"); done
  } < <(command fleet __complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nospace -o nosort -F _fleet fleet 2>/dev/null || complete -o nospace -F _fleet fleet
`;

const ZSH = `#compdef fleet
# zsh completion of fleet: eval "$(fleet completion zsh)", or a file _fleet in a folder of $fpath
_fleet() {
  local mode length line text
  local -a whole whole_shown open open_shown
  {
    IFS=' ' read -r mode length || return 1
    while IFS= read -r line; do
      text=\${line%%$'\\t'*}
      if [[ $text == *' ' ]]; then
        whole+=("\${text% }")
        whole_shown+=("\${text% }  \${line#*$'\\t'}")
      else
        open+=("$text")
        open_shown+=("$text  \${line#*$'\\t'}")
      fi
    done
  } < <(command fleet __complete zsh "\${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" 2>/dev/null)
  if [[ $mode == files ]]; then
    compset -P '--[^=]#='
    _files
    return
  fi
  compset -p $(( \${#PREFIX} - length ))
  compadd -Q -l -d whole_shown -- "\${whole[@]}"
  compadd -Q -l -S '' -d open_shown -- "\${open[@]}"
}
if [[ \${funcstack[1]} == _fleet ]]; then
  _fleet "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _fleet fleet
fi
`;

const FISH = `# fish completion of fleet: fleet completion fish | source
function __fleet_complete
    set -l lines (command fleet __complete fish (commandline -cp | string collect) 2>/dev/null)
    if test "$lines[1]" = files
        __fish_complete_path (commandline -ct)
    else if test (count $lines) -gt 1
        string replace -r ' (\\t|$)' '$1' -- $lines[2..-1]
    end
end
complete -c fleet -f -a '(__fleet_complete)'
`;

export const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
