// SPDX-License-Identifier: MIT
#include "commands.hpp"

namespace rococo::svchost::cli {

namespace {

// The program itself produces the candidates (`svchost __complete WORD…`), so the scripts never get
// out of date.

// Bash splits words at = and :, and replaces only the part after them.
constexpr std::string_view kBash =
    R"script(# Completion of svchost for bash; made by `svchost completion bash`.
_svchost() {
    local -a words=()
    local i part candidate
    for ((i = 1; i <= COMP_CWORD; ++i)); do
        part=${COMP_WORDS[i]}
        if ((${#words[@]})) && [[ $part == [=:]* || ${words[-1]} == *[=:] ]]; then
            words[-1]+=$part
        else
            words+=("$part")
        fi
    done
    [[ $part == [=:] ]] && part=
    local before=${words[-1]%"$part"}
    COMPREPLY=()
    while IFS= read -r candidate; do
        if [[ $candidate == :folders ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$part")
        else
            printf -v candidate %q "${candidate#"$before"}"
            COMPREPLY+=("$candidate")
        fi
    done < <(svchost __complete "${words[@]}" 2>/dev/null)
}
complete -o default -o bashdefault -F _svchost svchost
)script";

constexpr std::string_view kZsh = R"script(#compdef svchost
# Completion of svchost for zsh; made by `svchost completion zsh`.
_svchost() {
    local -a candidates
    candidates=("${(@f)$(svchost __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    (( ${candidates[(I):folders]} )) && _files -/
    candidates=("${(@)candidates:#:folders}")
    candidates=("${(@)candidates:#}")
    (( ${#candidates} )) && compadd -- "${candidates[@]}"
}
if [[ ${funcstack[1]} == _svchost ]]; then
    _svchost "$@"
else
    compdef _svchost svchost
fi
)script";

constexpr std::string_view kFish =
    R"script(# Completion of svchost for fish; made by `svchost completion fish`.
function __svchost_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for candidate in (svchost __complete $words[2..] "$current" 2>/dev/null)
        if test "$candidate" = :folders
            __fish_complete_directories "$current" ''
        else
            echo -- $candidate
        end
    end
end
complete -c svchost -f -a '(__svchost_complete)'
)script";

}  // namespace

std::string_view completion_script(std::string_view shell) {
    return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

}  // namespace rococo::svchost::cli
