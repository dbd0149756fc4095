// SPDX-License-Identifier: MIT
// The consume file over any bytes: no crash; a bad one leaves the last good values in force.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "rococo/configuration/consume_config.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

/// A folder of this process, gone with it.
class Folder {
public:
    Folder() {
        const auto memory = std::filesystem::path("/dev/shm");
        const auto parent =
            std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
        path_ = parent / ("fuzz-consume-" + std::to_string(::getpid()));
        std::filesystem::create_directories(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// A new file each time, so that a change is seen whatever the clock's steps.
    void write(std::string_view text) const {
        const auto fresh = path_ / "fresh";
        std::ofstream(fresh, std::ios::binary) << text;
        std::filesystem::rename(fresh, path_ / "consume.env");
    }

private:
    std::filesystem::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    static const auto configuration = rococo::Configuration::load(
        {{"CONSUME_CONFIG_FILE_PATH", (folder.path() / "consume.env").string()}}, folder.path());
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    folder.write(text);
    const auto opened = rococo::ConsumeConfig::open(configuration);
    if (!opened) {
        require(opened.error().kind == rococo::ErrorKind::configuration);
        require(opened.error().message.starts_with("CONSUME_CONFIG_FILE_PATH: "));
    } else {
        require(opened->current().listen_interval.count() >= 0);
        require(opened->current().visibility_timeout.count() >= 0);
    }

    // The same text as a change: what is wrong leaves the values as they were.
    folder.write("EXIT_WHEN_FINISHED=true\nLISTEN_INTERVAL=7\n");
    auto running = rococo::ConsumeConfig::open(configuration);
    require(running.has_value());
    const auto before = running->current();
    require(before.exit_when_finished);
    folder.write(text);
    const auto lines = running->refresh();
    if (opened) {
        require(running->current() == opened->current());
    } else {
        require(running->current() == before && !lines.empty());
    }
    return 0;
}
