// SPDX-License-Identifier: MIT
// Prints docs/CONFIGURATION.md without building the host: `ninja print_configuration_reference`.
#include <cstdio>
#include <string>

#include "rococo/configuration/render.hpp"

int main() {
    const std::string text = rococo::render_markdown();
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
