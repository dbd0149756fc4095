// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"

namespace rococo {

/// The settings that can change while the host runs.
struct ConsumeSettings {
    bool exit_when_finished = false;              ///< Exit once the queue is empty.
    std::chrono::milliseconds listen_interval{};  ///< SQS: how long a poll waits.
    std::chrono::milliseconds
        visibility_timeout{};  ///< SQS: how long a received message is hidden.
    bool paused = false;       ///< Begin nothing.

    friend bool operator==(const ConsumeSettings&, const ConsumeSettings&) = default;
};

/// Something to log about the file.
struct ConsumeNote {
    enum class Kind {
        change,   ///< Its values have changed.
        warning,  ///< The file is missing, or has settings without effect.
        error,    ///< The file is invalid.
    };
    Kind kind = Kind::change;
    std::string text;
};

/// The file at `CONSUME_CONFIG_FILE_PATH` (a `.env` file with `EXIT_WHEN_FINISHED`,
/// `LISTEN_INTERVAL`, `PAUSED` and `VISIBILITY_TIMEOUT`), reread whenever it changes. Settings that
/// it omits keep the configuration's values.
///
/// The file may be missing at first and appear later. If it becomes invalid while the host runs,
/// that is reported once and the last good values stay in force.
///
/// **Thread-safety**: none; one thread at a time.
class ConsumeConfig {
public:
    /// Reads the file, if the configuration names one. An existing but invalid file is an error.
    [[nodiscard]] static Result<ConsumeConfig> open(const Configuration& configuration);

    /// The current values.
    [[nodiscard]] const ConsumeSettings& current() const { return current_; }

    /// Rereads the file if its time, inode or size has changed; otherwise costs one `stat`. Returns
    /// lines for the log: its errors or its new values. The first call also returns what `open`
    /// found.
    [[nodiscard]] std::vector<ConsumeNote> refresh();

private:
    /// Identifies a version of the file; all zero if there is no file.
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
    /// The file's values on top of the fallback, or all of its errors.
    [[nodiscard]] tl::expected<Said, std::vector<Error>> read() const;

    std::filesystem::path file_;
    ConsumeSettings fallback_;
    ConsumeSettings current_;
    Version version_;
    std::vector<ConsumeNote> pending_;  ///< What `open` found, for the first `refresh`.
};

}  // namespace rococo
