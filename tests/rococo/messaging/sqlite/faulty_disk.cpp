// SPDX-License-Identifier: MIT
#include "faulty_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace rococo::messaging::testing {
namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr int kOurs = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;

void put(std::string& content, std::uint64_t offset, std::string_view bytes) {
    if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
    content.replace(offset, bytes.size(), bytes);
}

/// SQLite allocates it, with room for the file of the file system below behind it.
struct OpenFile {
    sqlite3_file base;
    FaultyDisk* disk;
    std::string* path;  ///< Null for a file that is not on this disk.
};

OpenFile& opened(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
sqlite3_file* below(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<OpenFile*>(file) + 1);
}

}  // namespace

/// The functions that SQLite calls.
struct FaultyDiskMethods {
    static FaultyDisk& disk(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
        auto& self = disk(vfs);
        auto& open = opened(file);
        open.base.pMethods = nullptr;
        open.disk = &self;
        open.path = nullptr;
        const bool ours = name != nullptr && (flags & kOurs) != 0;
        const std::lock_guard guard(self.mutex_);
        if (ours) self.track(name);
        const int code = self.below_->xOpen(self.below_, name, below(file), flags, out);
        if (below(file)->pMethods == nullptr) return code;
        open.base.pMethods = methods();
        if (ours) open.path = new std::string(name);
        return code;
    }
    static int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
        auto& self = disk(vfs);
        const std::lock_guard guard(self.mutex_);
        if (self.off_) return SQLITE_IOERR_DELETE;
        self.remove(name, sync_directory != 0);
        return self.below_->xDelete(self.below_, name, 0);
    }
    static int close(sqlite3_file* file) {
        delete opened(file).path;
        return below(file)->pMethods->xClose(below(file));
    }
    static int read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
        return below(file)->pMethods->xRead(below(file), to, amount, offset);
    }
    static int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
        const auto& open = opened(file);
        const auto& real = *below(file)->pMethods;
        if (open.path == nullptr) return real.xWrite(below(file), from, amount, offset);
        const std::lock_guard guard(open.disk->mutex_);
        auto& record = open.disk->files_[*open.path];
        const auto start = static_cast<std::uint64_t>(offset);
        const auto size = static_cast<std::size_t>(amount);
        const bool fails = open.disk->step();
        if (open.disk->off_) return SQLITE_IOERR_WRITE;
        if (!open.disk->fits(record, start + size)) return SQLITE_FULL;
        const std::size_t written = fails ? size / 2 : size;
        record.pending.push_back(
            {start, std::string(static_cast<const char*>(from), written), false});
        record.size = std::max(record.size, start + written);
        const int code = real.xWrite(below(file), from, static_cast<int>(written), offset);
        return fails ? SQLITE_IOERR_WRITE : code;
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        const auto& open = opened(file);
        const auto& real = *below(file)->pMethods;
        if (open.path == nullptr) return real.xTruncate(below(file), size);
        const std::lock_guard guard(open.disk->mutex_);
        if (open.disk->step()) return SQLITE_IOERR_TRUNCATE;
        auto& record = open.disk->files_[*open.path];
        record.pending.push_back({static_cast<std::uint64_t>(size), {}, true});
        record.size = static_cast<std::uint64_t>(size);
        return real.xTruncate(below(file), size);
    }
    static int sync(sqlite3_file* file, int) {
        const auto& open = opened(file);
        if (open.path == nullptr) return SQLITE_OK;
        const std::lock_guard guard(open.disk->mutex_);
        auto& record = open.disk->files_[*open.path];
        if (open.disk->step()) {
            if (!open.disk->off_) open.disk->lose_sync(record);
            return SQLITE_IOERR_FSYNC;
        }
        open.disk->sync(record);
        return SQLITE_OK;
    }
    static const sqlite3_io_methods* methods() {
        static const sqlite3_io_methods table = [] {
            sqlite3_io_methods made{};
            made.iVersion = 2;  // With shared memory, without mapped files.
            made.xClose = close;
            made.xRead = read;
            made.xWrite = write;
            made.xTruncate = truncate;
            made.xSync = sync;
            made.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
                return below(f)->pMethods->xFileSize(below(f), size);
            };
            made.xLock = [](sqlite3_file* f, int level) {
                return below(f)->pMethods->xLock(below(f), level);
            };
            made.xUnlock = [](sqlite3_file* f, int level) {
                return below(f)->pMethods->xUnlock(below(f), level);
            };
            made.xCheckReservedLock = [](sqlite3_file* f, int* out) {
                return below(f)->pMethods->xCheckReservedLock(below(f), out);
            };
            made.xFileControl = [](sqlite3_file* f, int what, void* argument) {
                return below(f)->pMethods->xFileControl(below(f), what, argument);
            };
            made.xSectorSize = [](sqlite3_file* f) {
                return below(f)->pMethods->xSectorSize(below(f));
            };
            made.xDeviceCharacteristics = [](sqlite3_file* f) {
                return below(f)->pMethods->xDeviceCharacteristics(below(f));
            };
            made.xShmMap = [](sqlite3_file* f, int page, int size, int extend,
                              void volatile** memory) {
                return below(f)->pMethods->xShmMap(below(f), page, size, extend, memory);
            };
            made.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
                return below(f)->pMethods->xShmLock(below(f), offset, count, flags);
            };
            made.xShmBarrier = [](sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); };
            made.xShmUnmap = [](sqlite3_file* f, int remove_it) {
                return below(f)->pMethods->xShmUnmap(below(f), remove_it);
            };
            return made;
        }();
        return &table;
    }
};

FaultyDisk::FaultyDisk() : below_(sqlite3_vfs_find(nullptr)), own_(new sqlite3_vfs(*below_)) {
    own_->zName = "faulty";
    own_->pNext = nullptr;
    own_->pAppData = this;
    own_->szOsFile = static_cast<int>(sizeof(OpenFile)) + below_->szOsFile;
    own_->xOpen = FaultyDiskMethods::open;
    own_->xDelete = FaultyDiskMethods::remove;
    // Those that are left are the machine's own; they do not look at what they are called on.
    if (sqlite3_vfs_register(own_, 1) != SQLITE_OK)
        throw std::runtime_error("sqlite3_vfs_register");
}

FaultyDisk::~FaultyDisk() {
    sqlite3_vfs_unregister(own_);
    sqlite3_vfs_register(below_, 1);
    delete own_;
}

bool FaultyDisk::step() {
    ++operations_;
    if (off_before_ != 0 && operations_ == off_before_ && !off_) {
        power_off(remains_, static_cast<unsigned>(random_()));
    }
    if (off_) return true;
    if (fail_at_ == 0 || operations_ < fail_at_) return false;
    return times_ == Times::from_then_on || operations_ == fail_at_;
}

bool FaultyDisk::fits(const File& file, std::uint64_t end) const {
    if (!room_ || end <= file.size) return true;
    std::uint64_t used = 0;
    for (const auto& [path, each] : files_) used += each.size;
    return used + (end - file.size) <= *room_;
}

void FaultyDisk::track(const std::string& path) {
    if (files_.contains(path)) return;
    // Read once, before anybody has locks on it that the closing would drop.
    File file;
    std::ifstream stream(path, std::ios::binary);
    std::error_code absent;
    const auto size = std::filesystem::file_size(path, absent);
    if (!absent) {
        file.safe.resize(size);
        stream.read(file.safe.data(), static_cast<std::streamsize>(size));
    }
    file.size = file.safe.size();
    file.name_is_safe = !file.safe.empty();
    files_[path] = std::move(file);
}

void FaultyDisk::sync(File& file) {
    for (const auto& change : file.pending) {
        if (change.truncates) {
            file.safe.resize(change.offset);
        } else {
            put(file.safe, change.offset, change.bytes);
        }
    }
    file.pending.clear();
    // SQLite's own file system syncs the directory with the first sync of a log or journal.
    if (!file.name_is_safe) sync_names();
}

void FaultyDisk::lose_sync(File& file) { tear(file, 0.5); }

void FaultyDisk::sync_names() {
    for (auto& [path, file] : files_) file.name_is_safe = true;
    removed_.clear();
}

void FaultyDisk::remove(const std::string& path, bool synced) {
    const auto found = files_.find(path);
    if (found != files_.end()) {
        removed_[path] = std::move(found->second);
        files_.erase(found);
    }
    if (synced) sync_names();
}

void FaultyDisk::tear(File& file, double share) {
    std::bernoulli_distribution reached(share);
    for (const auto& change : file.pending) {
        if (change.truncates) {
            if (reached(random_)) file.safe.resize(change.offset);
            continue;
        }
        for (std::size_t at = 0; at < change.bytes.size();) {
            const std::size_t sector_end =
                ((change.offset + at) / kSectorBytes + 1) * kSectorBytes - change.offset;
            const std::size_t end = std::min<std::size_t>(sector_end, change.bytes.size());
            if (reached(random_)) {
                put(file.safe, change.offset + at,
                    std::string_view(change.bytes).substr(at, end - at));
            }
            at = end;
        }
    }
    file.pending.clear();
}

void FaultyDisk::power_off_before(std::uint64_t operation, std::filesystem::path remains,
                                  unsigned seed) {
    off_before_ = operation;
    remains_ = std::move(remains);
    random_.seed(seed);
}

void FaultyDisk::power_off(const std::filesystem::path& remains, unsigned seed) {
    random_.seed(seed);
    constexpr std::array kShares{0.0, 0.1, 0.5, 0.9, 1.0};
    off_ = true;
    std::filesystem::create_directories(remains);
    const auto leave = [&](const std::string& path, File& file) {
        // Each file by itself: of two the later one may have reached the disk as a whole.
        tear(file, kShares[random_() % kShares.size()]);
        const auto name = std::filesystem::path(path).filename();
        std::ofstream(remains / name, std::ios::binary) << file.safe;
    };
    for (auto& [path, file] : files_) {
        if (file.name_is_safe || random_() % 2 == 0) leave(path, file);
    }
    for (auto& [path, file] : removed_) {
        if (!files_.contains(path) && random_() % 2 == 0) leave(path, file);
    }
}

}  // namespace rococo::messaging::testing
