// SPDX-License-Identifier: MIT
#include "crash_ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost {

namespace {

constexpr std::chrono::seconds kKept = std::chrono::days(14);
constexpr std::size_t kMostEntries = 10'000;

std::int64_t seconds(SystemTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
    FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return false;
    const bool is_ours = ::fchmod(file.get(), 0600) == 0 || errno == EPERM;
    return is_ours && write_all(file, text) && file.close();
}

}  // namespace

void CrashNotes::Ledger::load(SystemTime now) {
    entries_.clear();
    std::ifstream file(folder_ / "ledger");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        MessageIdentity message = 0;
        Entry entry;
        if (!(words >> message >> entry.crashes)) continue;
        if (!(words >> entry.suspect >> entry.seconds)) entry.seconds = seconds(now);
        if (!(words >> entry.attempt)) entry.attempt = 0;
        // A clock that was ahead must not keep anything for ever.
        entry.seconds = std::min(entry.seconds, seconds(now));
        entries_[message] = entry;
    }
    drop_the_old(seconds(now));
}

void CrashNotes::Ledger::drop_the_old(std::int64_t now) {
    std::erase_if(entries_,
                  [now](const auto& kept) { return kept.second.seconds < now - kKept.count(); });
    if (entries_.size() <= kMostEntries) return;
    std::vector<std::pair<std::int64_t, MessageIdentity>> by_age;
    by_age.reserve(entries_.size());
    for (const auto& [message, entry] : entries_) by_age.emplace_back(entry.seconds, message);
    std::sort(by_age.begin(), by_age.end());
    by_age.resize(by_age.size() - kMostEntries);
    for (const auto& [age, message] : by_age) entries_.erase(message);
}

void CrashNotes::Ledger::save() const {
    std::string text;
    for (const auto& [message, entry] : entries_) {
        text += fmt::format("{} {} {} {} {}\n", message, entry.crashes, entry.suspect,
                            entry.seconds, entry.attempt);
    }
    const std::filesystem::path draft = folder_ / "ledger.new";
    std::error_code error;
    // On a full disk the old ledger stays.
    if (write_file(draft, text)) std::filesystem::rename(draft, folder_ / "ledger", error);
}

CrashNotes::Record CrashNotes::Ledger::find(MessageIdentity message) const {
    const auto found = entries_.find(message);
    if (found == entries_.end()) return {};
    return {.crashes = found->second.crashes,
            .attempt = found->second.attempt,
            .suspect = true,
            .alone = found->second.suspect > 1};
}

CrashNotes::Ledger::Entry& CrashNotes::Ledger::entry(MessageIdentity message, SystemTime now) {
    Entry& entry = entries_[message];
    entry.seconds = seconds(now);
    return entry;
}

void CrashNotes::Ledger::charge(MessageIdentity message, std::uint32_t attempt, SystemTime now) {
    const std::uint32_t uncounted = find(message).uncounted(attempt);
    Entry& charged = entry(message, now);
    charged.crashes = uncounted + 1;
    charged.attempt = attempt;
}

void CrashNotes::Ledger::suspect(MessageIdentity message, bool alone, SystemTime now) {
    Entry& changed = entry(message, now);
    changed.suspect = std::max(changed.suspect, alone ? 2U : 1U);
}

}  // namespace rococo::svchost
