// SPDX-License-Identifier: MIT
#include <exception>
#include <iostream>

#include "rococo/base/printable.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/host/process.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "run_command_line.hpp"

int main(int argc, char** argv) {
    using namespace rococo;
    svchost::prepare_process();
    svchost::end_process_1_by_signals();
    try {
        const int code = svchost::cli::run_command_line({argv + 1, argv + argc});
        const bool written = svchost::finish_standard_output();
        return written || code != 0 ? code : exit_code(ErrorKind::unavailable);
    } catch (const std::exception& error) {
        std::cerr << "svchost: internal error: " << printable(error.what()) << '\n';
        return exit_code(ErrorKind::internal);
    }
}
