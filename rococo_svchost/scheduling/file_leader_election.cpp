// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/file_leader_election.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "rococo/base/private_files.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost {

using std::chrono::microseconds;

namespace {

// Locks are on bytes far behind the record, which occupies the first bytes of the file.
constexpr off_t kGuardByte = off_t{1} << 40;
constexpr off_t kFirstEpochByte = kGuardByte + 1;
constexpr std::string_view kMagic = "rococo-leader-1";
constexpr std::size_t kLongestRecord = 1024;
constexpr std::string_view kCannotOpen = "cannot open the leader file";

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

/// Replaces white space, because the record is a line of words separated by spaces.
std::string one_word(std::string_view text) {
    std::string word(text.substr(0, 200));
    std::ranges::replace_if(
        word, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }, '_');
    return word.empty() ? "unnamed" : word;
}

}  // namespace

/// The file's content: one line of words.
struct FileLeaderElection::Record {
    std::uint64_t epoch = 0;               // 0: there has been no leader yet.
    microseconds expires{};                // By the monotonic clock of the boot `boot_id`.
    std::optional<SystemTime> last_claim;  // The latest due time claimed.
    std::string boot_id;
    std::string holder;
};

/// Holds the lock while accessing the record. Waits briefly for others but not forever, because one
/// may have been stopped while holding it.
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
    if (const int error = make_private_folders(options.file.parent_path()); error != 0)
        return file_failure(kCannotOpen, options.file, error);
    FileDescriptor file(::open(options.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile));
    if (!file.is_open()) return file_failure(kCannotOpen, options.file, errno);
    make_private(file.get());  // An earlier version made it readable by all.
    return std::unique_ptr<FileLeaderElection>(
        new FileLeaderElection(std::move(options), std::move(file)));
}

Result<void> FileLeaderElection::check(const FileLeaderOptions& options) {
    FileDescriptor file(::open(options.file.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.is_open() && errno == ENOENT) {
        if (const int error = may_make_files_in(options.file.parent_path()); error != 0)
            return file_failure(kCannotOpen, options.file, error);
        return {};
    }
    if (!file.is_open()) return file_failure(kCannotOpen, options.file, errno);
    FileLeaderElection election(options, std::move(file));
    const Guard guard(election.file_.get());
    if (!guard.held()) return election.held_up();
    ROCOCO_ASSIGN_OR_RETURN(const Record record, election.read());
    ROCOCO_TRY(election.may_succeed(record));
    return {};
}

FileLeaderElection::FileLeaderElection(FileLeaderOptions options, FileDescriptor file)
    : options_(std::move(options)), file_(std::move(file)), boot_id_(read_boot_id()) {}

Result<bool> FileLeaderElection::try_acquire() {
    const Guard guard(file_.get());
    if (!guard.held()) return held_up();
    ROCOCO_ASSIGN_OR_RETURN(Record record, read());
    if (leads(record)) return renew(std::move(record));
    release();
    ROCOCO_ASSIGN_OR_RETURN(const bool free, may_succeed(record));
    if (!free) return false;
    return take(std::move(record));
}

/// Whether the leader named in the record is dead or has been silent for longer than its lease.
Result<bool> FileLeaderElection::may_succeed(const Record& record) const {
    if (record.epoch == 0 || !is_locked(file_.get(), byte_of(record.epoch))) return true;
    if (record.boot_id != boot_id_)
        return failure(ErrorKind::configuration,
                       fmt::format("the leader file {} is in use on another machine ({}); allowed: "
                                   "replicas of one machine, on a local disk",
                                   options_.file.string(), record.holder));
    return record.expires <= options_.clock.read().elapsed;
}

Result<bool> FileLeaderElection::take(Record record) {
    ++record.epoch;
    record.expires = lease_from_now();
    record.boot_id = boot_id_;
    record.holder = one_word(options_.holder);
    // Lock before the record names the epoch, or others would take its leader for dead.
    if (!try_lock(file_.get(), byte_of(record.epoch))) return held_up();
    if (auto written = write(record); !written) {
        unlock(file_.get(), byte_of(record.epoch));
        return tl::unexpected(std::move(written.error()));
    }
    epoch_ = record.epoch;
    return true;
}

Result<bool> FileLeaderElection::keep() {
    if (epoch_ == 0) return false;
    const Guard guard(file_.get());
    // The process that holds the file does not go on, so nobody can take over meanwhile.
    if (!guard.held()) return true;
    ROCOCO_ASSIGN_OR_RETURN(Record record, read());
    if (leads(record)) return renew(std::move(record));
    release();
    return false;
}

Result<bool> FileLeaderElection::renew(Record record) {
    record.expires = lease_from_now();
    ROCOCO_TRY(write(record));
    return true;
}

Result<bool> FileLeaderElection::claim(SystemTime due, SystemTime believed_until) {
    if (epoch_ == 0) return false;
    const Guard guard(file_.get());
    if (!guard.held()) {
        // The run is not lost: the next leader, perhaps this replica, treats it as a misfire.
        release();
        return held_up();
    }
    auto record = read();
    if (record && !leads(*record)) {
        release();
        return false;
    }
    if (record) {
        const auto& last = record->last_claim;
        if (last && *last <= believed_until && due <= *last) return false;
        record->last_claim = due;
        record->expires = lease_from_now();
    }
    const Result<void> written =
        record ? write(*record) : tl::unexpected<Error>(std::move(record.error()));
    if (!written) {
        release();
        return tl::unexpected(written.error());
    }
    return true;
}

Result<std::optional<SystemTime>> FileLeaderElection::last_claim() {
    const Guard guard(file_.get());
    if (!guard.held()) return held_up();
    ROCOCO_ASSIGN_OR_RETURN(const Record record, read());
    return record.last_claim;
}

microseconds FileLeaderElection::lease_from_now() const {
    return options_.clock.read().elapsed + options_.lease;
}

bool FileLeaderElection::leads(const Record& record) const {
    return epoch_ != 0 && record.epoch == epoch_;
}

/// A leader leads only as long as it holds the lock of its epoch.
void FileLeaderElection::release() noexcept {
    if (epoch_ != 0) unlock(file_.get(), byte_of(std::exchange(epoch_, 0)));
}

tl::unexpected<Error> FileLeaderElection::held_up() const {
    return failure(ErrorKind::unavailable,
                   fmt::format("the leader file {} is locked by a process that does not go on; "
                               "`lsof {}` names it",
                               options_.file.string(), options_.file.string()));
}

Result<FileLeaderElection::Record> FileLeaderElection::read() const {
    std::array<char, kLongestRecord> bytes{};
    const auto size = pread(file_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) return file_failure("cannot read the leader file", options_.file, errno);
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
        return failure(ErrorKind::configuration,
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
    // One write within one page, so even SIGKILL leaves all of it or nothing. It is not synced: a
    // power cut ends all replicas on this machine, and LastRunStore knows which runs were missed.
    if (pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()))
        return {};
    return file_failure("cannot write the leader file", options_.file, errno);
}

}  // namespace rococo::svchost
