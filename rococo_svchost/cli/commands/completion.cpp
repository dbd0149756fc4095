// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>

#include "commands.hpp"

namespace rococo::svchost::cli {

namespace {

// The program itself says what may follow (`svchost __complete WORD…`), so that the scripts never
// lag behind the commands.
constexpr std::string_view kBash = R"script(_svchost() {
    mapfile -t COMPREPLY < <(compgen -W "$(svchost __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -o bashdefault -F _svchost svchost
)script";

constexpr std::string_view kZsh = R"script(#compdef svchost
_svchost() {
    local -a candidates
    candidates=(${(f)"$(svchost __complete "${words[@]:1:$((CURRENT-2))}")"})
    compadd -a candidates
    _files
}
compdef _svchost svchost
)script";

constexpr std::string_view kFish =
    R"script(complete -c svchost -a '(svchost __complete (commandline -opc)[2..-1])'
)script";

}  // namespace

int completion(std::string_view shell) {
    std::cout << (shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish);
    return 0;
}

}  // namespace rococo::svchost::cli
