// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/file_leader_election.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

using std::chrono::microseconds;

namespace {

// Where the locks lie: far behind the record, which takes the first bytes.
constexpr off_t kGuardByte = off_t{1} << 40;
constexpr off_t kFirstEpochByte = kGuardByte + 1;
constexpr std::string_view kMagic = "rococo-leader-1";
constexpr std::size_t kLongestRecord = 1024;

struct flock lock_of(short type, off_t byte) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

off_t byte_of(std::uint64_t epoch) { return kFirstEpochByte + static_cast<off_t>(epoch); }

bool try_lock(int file, off_t byte) {
    auto lock = lock_of(F_WRLCK, byte);
    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

void unlock(int file, off_t byte) noexcept {
    auto lock = lock_of(F_UNLCK, byte);
    fcntl(file, F_OFD_SETLK, &lock);
}

/// Whether another open file holds the lock.
bool is_locked(int file, off_t byte) {
    auto lock = lock_of(F_WRLCK, byte);
    return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::string read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    file >> id;
    return id.empty() ? "unknown" : id;
}

/// One word, so that the record stays a line of words.
std::string one_word(std::string_view text) {
    std::string word(text.substr(0, 200));
    std::ranges::replace_if(
        word, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }, '_');
    return word.empty() ? "unnamed" : word;
}

}  // namespace

/// What the file says: one line of words.
struct FileLeaderElection::Record {
    std::uint64_t epoch = 0;               // 0: there was never a leader.
    microseconds expires{};                // On the clock of the machine with `boot_id`.
    std::optional<SystemTime> last_claim;  // The latest due time that was claimed.
    std::string boot_id;
    std::string holder;
};

/// Holds the lock for one look at the record. Waits a little for others, but not for ever: one of
/// them may have been stopped within.
class FileLeaderElection::Guard {
public:
    explicit Guard(int file) : file_(file) {
        constexpr int kTries = 40;
        constexpr int kPauseMilliseconds = 5;
        for (int i = 0; i < kTries && !held_; ++i) {
            if (i > 0) poll(nullptr, 0, kPauseMilliseconds);
            held_ = try_lock(file_, kGuardByte);
        }
    }
    ~Guard() {
        if (held_) unlock(file_, kGuardByte);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    [[nodiscard]] bool held() const { return held_; }

private:
    int file_;
    bool held_ = false;
};

Result<std::unique_ptr<FileLeaderElection>> FileLeaderElection::open(FileLeaderOptions options) {
    const int file = ::open(options.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
        return failure(ErrorKind::unavailable,
                       fmt::format("cannot open the leader file {}: {}", options.file.string(),
                                   std::strerror(errno)));
    if (!options.clock) options.clock = [] { return read_clocks().elapsed; };
    return std::unique_ptr<FileLeaderElection>(
        new FileLeaderElection(std::move(options), file, read_boot_id()));
}

FileLeaderElection::FileLeaderElection(FileLeaderOptions options, int file, std::string boot_id)
    : options_(std::move(options)), file_(file), boot_id_(std::move(boot_id)) {}

FileLeaderElection::~FileLeaderElection() {
    release();
    close(file_);
}

Result<bool> FileLeaderElection::try_acquire() {
    const Guard guard(file_);
    if (!guard.held()) return false;
    auto record = read();
    if (!record) return tl::unexpected(std::move(record.error()));
    if (leads(*record)) {
        record->expires = options_.clock() + options_.lease;
        if (auto written = write(*record); !written) return tl::unexpected(written.error());
        return true;
    }
    forget_leadership();
    auto free = may_succeed(*record);
    if (!free || !*free) return free;
    return take(*std::move(record));
}

/// Whether the leader of the record is gone: dead, or silent for longer than its lease.
Result<bool> FileLeaderElection::may_succeed(const Record& record) const {
    if (record.epoch == 0 || !is_locked(file_, byte_of(record.epoch))) return true;
    if (record.boot_id != boot_id_)
        return failure(ErrorKind::configuration,
                       fmt::format("the leader file {} is in use on another machine ({}); allowed: "
                                   "replicas of one machine, on a local disk",
                                   options_.file.string(), record.holder));
    return record.expires <= options_.clock();
}

Result<bool> FileLeaderElection::take(Record record) {
    ++record.epoch;
    record.expires = options_.clock() + options_.lease;
    record.boot_id = boot_id_;
    record.holder = one_word(options_.holder);
    // Before the record names the epoch: others would take its leader for dead.
    if (!try_lock(file_, byte_of(record.epoch))) return false;
    if (auto written = write(record); !written) {
        unlock(file_, byte_of(record.epoch));
        return tl::unexpected(std::move(written.error()));
    }
    epoch_ = record.epoch;
    return true;
}

Result<bool> FileLeaderElection::keep() {
    if (epoch_ == 0) return false;
    const Guard guard(file_);
    // Whoever holds it up can take nothing over meanwhile either.
    if (!guard.held()) return true;
    auto record = read();
    if (!record) return tl::unexpected(std::move(record.error()));
    if (!leads(*record)) {
        forget_leadership();
        return false;
    }
    record->expires = options_.clock() + options_.lease;
    if (auto written = write(*record); !written) return tl::unexpected(std::move(written.error()));
    return true;
}

Result<bool> FileLeaderElection::claim(SystemTime due, SystemTime now) {
    if (epoch_ == 0) return false;
    const Guard guard(file_);
    if (!guard.held()) return false;
    auto record = read();
    if (!record) return tl::unexpected(std::move(record.error()));
    if (!leads(*record)) {
        forget_leadership();
        return false;
    }
    // A claim from the future was made before the clock was set back: it says nothing about now.
    constexpr microseconds kTolerance = std::chrono::seconds(1);
    const bool believable = record->last_claim && *record->last_claim <= now + kTolerance;
    if (believable && due <= *record->last_claim) return false;
    record->last_claim = due;
    record->expires = options_.clock() + options_.lease;
    if (auto written = write(*record); !written) return tl::unexpected(std::move(written.error()));
    return true;
}

Result<std::optional<SystemTime>> FileLeaderElection::last_claim() {
    const Guard guard(file_);
    if (!guard.held())
        return failure(ErrorKind::unavailable,
                       fmt::format("the leader file {} is held by a process that does not go on",
                                   options_.file.string()));
    auto record = read();
    if (!record) return tl::unexpected(std::move(record.error()));
    return record->last_claim;
}

void FileLeaderElection::release() noexcept { forget_leadership(); }

microseconds FileLeaderElection::takeover_after_death() const { return options_.interval; }

microseconds FileLeaderElection::takeover_after_hang() const {
    return options_.lease + options_.interval;
}

bool FileLeaderElection::leads(const Record& record) const {
    return epoch_ != 0 && record.epoch == epoch_;
}

/// The lock that says that this epoch's leader lives is all that makes it one.
void FileLeaderElection::forget_leadership() noexcept {
    if (epoch_ != 0) unlock(file_, byte_of(std::exchange(epoch_, 0)));
}

Result<FileLeaderElection::Record> FileLeaderElection::read() const {
    std::array<char, kLongestRecord> bytes{};
    const auto size = pread(file_, bytes.data(), bytes.size(), 0);
    if (size < 0)
        return failure(ErrorKind::unavailable,
                       fmt::format("cannot read the leader file {}: {}", options_.file.string(),
                                   std::strerror(errno)));
    Record record;
    if (size == 0) return record;
    const std::string text(bytes.data(), static_cast<std::size_t>(size));
    std::istringstream line(text.substr(0, text.find('\n')));
    std::string magic;
    std::string claim;
    std::int64_t expires = 0;
    line >> magic >> record.epoch >> expires >> claim >> record.boot_id >> record.holder;
    const bool has_claim = claim != "-";
    std::int64_t claimed = 0;
    std::istringstream number(claim);
    if (has_claim) number >> claimed;
    if (!line || !number || magic != kMagic)
        return failure(ErrorKind::unavailable,
                       fmt::format("{} is no leader file; allowed: a file of its own for each "
                                   "schedule, which may be absent",
                                   options_.file.string()));
    record.expires = microseconds(expires);
    if (has_claim) record.last_claim = SystemTime(microseconds(claimed));
    return record;
}

Result<void> FileLeaderElection::write(const Record& record) const {
    const std::string claim =
        record.last_claim ? std::to_string(record.last_claim->time_since_epoch().count()) : "-";
    const std::string text =
        fmt::format("{} {} {} {} {} {}\n", kMagic, record.epoch, record.expires.count(), claim,
                    record.boot_id, record.holder);
    // Within one page, so that even SIGKILL leaves all of it or nothing. No sync: a power cut ends
    // every replica, and what was missed then is the business of LastRunStore.
    if (pwrite(file_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) return {};
    return failure(ErrorKind::unavailable,
                   fmt::format("cannot write the leader file {}: {}", options_.file.string(),
                               std::strerror(errno)));
}

}  // namespace rococo::svchost
