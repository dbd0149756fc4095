// SPDX-License-Identifier: MIT
#include <amqp.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <spdlog/version.h>
#include <sqlite3.h>

#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "commands.hpp"
#include "commit.hpp"
#include "rococo/abi.h"
#include "rococo_svchost/host/host.hpp"

namespace rococo::svchost::cli {

std::string version_text() {
    // Shared libraries report their version at run time; the others, the version built with.
    const std::string date = *kCommitDate == '\0' ? "" : fmt::format(" of {}", kCommitDate);
    return fmt::format(
        "svchost {}\n"
        "Commit:    {}{}\n"
        "ABI:       {}\n"
        "Libraries: rabbitmq-c {}, libcurl {}, SQLite {}, OpenSSL {},\n"
        "           fmt {}.{}.{}, spdlog {}.{}.{}, nlohmann-json {}.{}.{}, CLI11 {}",
        version(), kCommit, date, ROCOCO_ABI_VERSION, ::amqp_version(),
        ::curl_version_info(CURLVERSION_NOW)->version, ::sqlite3_libversion(),
        ::OpenSSL_version(OPENSSL_VERSION_STRING), FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
        FMT_VERSION % 100, SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH,
        NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH,
        CLI11_VERSION);
}

}  // namespace rococo::svchost::cli
