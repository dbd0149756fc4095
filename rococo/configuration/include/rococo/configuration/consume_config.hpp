// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"

namespace rococo {

/// What may be changed while the host runs.
struct ConsumeSettings {
    bool exit_when_finished = false;              ///< End once the queue is empty.
    std::chrono::milliseconds listen_interval{};  ///< SQS: how long a poll waits.
    std::chrono::milliseconds
        visibility_timeout{};  ///< SQS: how long a received message is hidden.

    friend bool operator==(const ConsumeSettings&, const ConsumeSettings&) = default;
};

/// The file at `CONSUME_CONFIG_FILE_PATH` (a `.env` file with `EXIT_WHEN_FINISHED`,
/// `LISTEN_INTERVAL` and `VISIBILITY_TIMEOUT`), read again whenever it has changed. What it does
/// not say has the configuration's value.
///
/// A file that is not there says nothing; it may come later. A file that goes bad while the host
/// runs is told about once, and the last good values stay.
///
/// **Thread-safety**: none; one thread at a time.
class ConsumeConfig {
public:
    /// Reads the file, if the configuration names one. A file that is there and wrong is an error.
    [[nodiscard]] static Result<ConsumeConfig> open(const Configuration& configuration);

    /// The values in force.
    [[nodiscard]] const ConsumeSettings& current() const { return current_; }

    /// Reads the file again if its time, inode or size has changed (one `stat` otherwise). Returns
    /// lines for the log: what is wrong with it, or what it now says; at first, what `open` found.
    [[nodiscard]] std::vector<std::string> refresh();

private:
    /// What tells one version of a file from the next; all zero where there is none.
    struct Version {
        std::int64_t modified_ns = 0;
        ino_t inode = 0;
        off_t size_bytes = 0;
        friend bool operator==(const Version&, const Version&) = default;
    };

    struct Said {
        ConsumeSettings settings;
        std::vector<std::string> warnings;
    };

    ConsumeConfig(std::filesystem::path file, ConsumeSettings fallback);
    [[nodiscard]] Version version() const;
    /// The file's values over the fallback, or all that is wrong with it.
    [[nodiscard]] tl::expected<Said, std::vector<Error>> read() const;

    std::filesystem::path file_;
    ConsumeSettings fallback_;
    ConsumeSettings current_;
    Version version_;
    std::vector<std::string> pending_;  ///< What `open` had to say, for the first `refresh`.
};

}  // namespace rococo
