// SPDX-License-Identifier: MIT
// A damaged queue file: no crash and no endless loop, and each failure says which file it is.
//
// The input is damage to a file with messages in every state: pieces of five bytes each, three for
// a place, one for how many bytes, one for what they become; the last byte, if it is alone, cuts
// the file off. An input that begins as a SQLite database does is taken for the whole file.
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/sqlite/sqlite_connection.hpp"
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"
#include "rococo/messaging/sqlite/sqlite_sender.hpp"

namespace {

using namespace rococo;
using namespace rococo::messaging;

constexpr std::string_view kMagic = "SQLite format 3";
constexpr std::size_t kMostBytes = 256 << 10;

void require(bool condition) {
    if (!condition) std::abort();
}

void require_told(const Error& error, const SqliteSettings& settings) {
    require(!error.message.empty());
    if (error.kind == ErrorKind::internal) return;
    require(error.message.find(settings.path.string()) != std::string::npos);
}

/// Where the files lie, in memory if there is such a place; removed at the end.
struct Place {
    Place() {
        std::error_code error;
        const auto base = std::filesystem::is_directory("/dev/shm", error)
                              ? std::filesystem::path("/dev/shm")
                              : std::filesystem::temp_directory_path();
        std::string name = base / "rococo-fuzz-XXXXXX";
        require(::mkdtemp(name.data()) != nullptr);
        settings.path = std::filesystem::path(name) / "queue.db";
        settings.timeout = std::chrono::milliseconds(100);
    }
    ~Place() {
        std::error_code ignored;
        std::filesystem::remove_all(settings.path.parent_path(), ignored);
    }
    void clear() const {
        for (const char* suffix : {"", "-wal", "-shm", "-journal", "-lock"}) {
            std::error_code ignored;
            std::filesystem::remove(settings.path.string() + suffix, ignored);
        }
    }
    SqliteSettings settings;
    RealClock clock;
};

/// Receives and gives each message another verdict.
void use(const Place& place) {
    SqliteConnection connection(place.settings, "work", place.clock);
    connection.limit({.deliveries = 4});
    if (auto checked = connection.check(); !checked) require_told(checked.error(), place.settings);
    if (auto opened = connection.open(); !opened) {
        require_told(opened.error(), place.settings);
        return;
    }
    int next = 0;
    for (int round = 0; round < 4; ++round) {
        Events events;
        if (auto got = connection.receive(place.clock.steady_now(), events); !got) {
            return require_told(got.error(), place.settings);
        }
        Settlements settlements;
        for (auto& delivery : events.deliveries) {
            auto& settlement = settlements.emplace_back();
            settlement.delivery = std::move(delivery);
            settlement.verdict = static_cast<Verdict>(next++ % 4);
            settlement.reason = "max-attempts";
        }
        require(connection.settle(std::move(settlements)).has_value());
        if (auto empty = connection.empty(); !empty) require_told(empty.error(), place.settings);
    }
}

void use_dead_letters(const Place& place) {
    auto opened = SqliteDeadLetters::open(place.settings, "work", place.clock);
    if (!opened) return require_told(opened.error(), place.settings);
    auto letters = (*opened)->list(10);
    if (!letters) return require_told(letters.error(), place.settings);
    if (auto moved = (*opened)->requeue({}); !moved) require_told(moved.error(), place.settings);
}

/// A file with messages in every state, as its bytes.
std::string make_file(const Place& place) {
    place.clear();
    {
        auto sender =
            SqliteSender::open(place.settings, place.clock, fork_random([] { return 1U; }));
        require(sender.has_value());
        std::vector<OutgoingMessage> messages(12);
        for (auto& message : messages) {
            message.headers = {{"name", "value"}};
            message.body = std::string(300, 'b');
        }
        messages[7].body = std::string(30'000, 'b');  // Over several pages.
        require((*sender)->send("work", messages).has_value());
        use(place);
    }
    std::ifstream stream(place.settings.path, std::ios::binary);
    std::string bytes(std::filesystem::file_size(place.settings.path), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

std::string damaged(std::string file, std::string_view damage) {
    for (; damage.size() >= 5; damage.remove_prefix(5)) {
        const auto byte = [&](int i) { return static_cast<std::size_t>(damage[i] & 0xff); };
        const std::size_t at = (byte(0) << 16 | byte(1) << 8 | byte(2)) % file.size();
        const std::size_t count = std::min(byte(3) + 1, file.size() - at);
        file.replace(at, count, count, damage[4]);
    }
    if (damage.size() == 1) {
        file.resize(file.size() * static_cast<unsigned char>(damage[0]) / 256);
    }
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Place place;
    static const std::string whole = make_file(place);
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (size > kMostBytes) return 0;
    place.clear();
    std::ofstream(place.settings.path, std::ios::binary)
        << (input.starts_with(kMagic) ? std::string(input) : damaged(whole, input));
    use(place);
    use_dead_letters(place);
    return 0;
}
