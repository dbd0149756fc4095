// SPDX-License-Identifier: MIT
// svchost with a fault of its own: MUTANT names it (see mutant_adapter.hpp). Runs the service of
// the folder given, or of the current one.
#include <cstdlib>
#include <iostream>
#include <string>

#include "mutant_adapter.hpp"
#include "rococo_svchost/host/host.hpp"

int main(int argc, char** argv) {
    using namespace rococo;
    const char* mutant = std::getenv("MUTANT");
    if (mutant == nullptr || svchost::tests::make_mutant(mutant, nullptr) == nullptr) {
        std::cerr << "MUTANT must name a fault\n";
        return 64;
    }
    const auto configuration = Configuration::load(process_environment(), argc > 1 ? argv[1] : ".");
    const auto log = svchost::make_log(configuration);
    return svchost::run_host(configuration, *log, {.once = false, .wrap_adapter = [&](auto honest) {
                                                       return svchost::tests::make_mutant(
                                                           mutant, std::move(honest));
                                                   }});
}
