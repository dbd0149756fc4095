// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL  // the header alone, without its library
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

/// A file descriptor that closes itself; closing drops its lock.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] bool try_lock() const { return ::flock(fd_, LOCK_EX | LOCK_NB) == 0; }

private:
    int fd_;
};

/// Holds the folder's lock: one host at a time makes notes files, takes in the dead, or changes the
/// ledger. Held for microseconds.
Descriptor lock_folder(const fs::path& folder) {
    Descriptor lock(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    while (lock.is_open() && ::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    return lock;
}

/// A queue's name as a folder's: everything unusual becomes an underscore. Two queues that share a
/// folder do no harm, since identities include the queue.
std::string folder_name(std::string_view queue) {
    std::string name(queue.substr(0, 100));
    for (char& c : name) {
        const bool usual = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!usual) c = '_';
    }
    return name.empty() ? "_" : name;
}

std::vector<MessageIdentity> read_notes(const Descriptor& file) {
    std::vector<MessageIdentity> notes;
    MessageIdentity note = 0;
    for (off_t at = 0; ::pread(file.get(), &note, sizeof note, at) == sizeof note;
         at += sizeof note) {
        if (note != 0) notes.push_back(note);
    }
    return notes;
}

}  // namespace

MessageIdentity identify(const messaging::Delivery& delivery) {
    // Senders exist that give every message the same id, so the beginning of the body counts too;
    // the whole of a large one would cost more than the rest of a message's way.
    constexpr std::size_t kEnoughOfBody = 256;
    const auto hash = [](std::string_view text) { return XXH3_64bits(text.data(), text.size()); };
    std::uint64_t identity = 0;
    const auto add = [&](std::uint64_t part) {
        identity = (identity ^ part) * 0x9E3779B97F4A7C15U;
        identity ^= identity >> 32U;
    };
    add(hash(delivery.queue));
    add(hash(delivery.id));
    add(delivery.body.size());
    add(hash(delivery.id.empty() ? delivery.body : delivery.body.substr(0, kEnoughOfBody)));
    return identity == 0 ? 1 : identity;  // zero is an empty note
}

/// The mapped file: `max_batch` notes for each worker, zero where there is nothing in hand.
struct CrashNotes::Region {
    fs::path path;
    Descriptor file;
    std::size_t max_batch;
    std::size_t bytes;
    std::atomic<MessageIdentity>* notes;

    ~Region() {
        ::munmap(notes, bytes);
        ::unlink(path.c_str());  // an orderly end leaves nothing to take in
    }

    [[nodiscard]] std::span<std::atomic<MessageIdentity>> of(std::size_t worker) const {
        return {notes + worker * max_batch, max_batch};
    }
};

Result<std::unique_ptr<CrashNotes>> CrashNotes::open(const fs::path& folder, std::string_view queue,
                                                     std::size_t workers, std::size_t max_batch) {
    const auto refuse = [](const fs::path& path, int error) {
        return failure(ErrorKind::unavailable,
                       fmt::format("cannot write crash notes to {}: {}", path.string(),
                                   std::generic_category().message(error)));
    };
    const fs::path own_folder = folder / "crash-notes" / folder_name(queue);
    std::error_code error;
    fs::create_directories(own_folder, error);
    if (error) return refuse(own_folder, error.value());
    const Descriptor folder_lock = lock_folder(own_folder);
    if (!folder_lock.is_open()) return refuse(own_folder, errno);

    std::string name = (own_folder / "XXXXXX.notes").string();
    Descriptor file(::mkostemps(name.data(), 6, O_CLOEXEC));
    const std::size_t bytes = workers * max_batch * sizeof(MessageIdentity);
    if (!file.is_open() || !file.try_lock() ||
        // Real blocks, not a hole: writing to a mapped hole on a full disk kills the process.
        ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)) != 0) {
        return refuse(name, errno);
    }
    void* map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (map == MAP_FAILED) return refuse(name, errno);

    // make_unique cannot make an aggregate before clang 16. NOLINTNEXTLINE(modernize-make-unique)
    auto region = std::unique_ptr<Region>(new Region{
        name, std::move(file), max_batch, bytes, static_cast<std::atomic<MessageIdentity>*>(map)});
    auto notes = std::unique_ptr<CrashNotes>(new CrashNotes(own_folder, std::move(region)));
    notes->take_in_the_dead_locked();
    return notes;
}

CrashNotes::CrashNotes(fs::path folder, std::unique_ptr<Region> region)
    : folder_(std::move(folder)), region_(std::move(region)) {}

CrashNotes::~CrashNotes() = default;

void CrashNotes::begin(std::size_t worker, std::span<const MessageIdentity> messages) noexcept {
    const auto notes = region_->of(worker);
    for (std::size_t i = 0; i < messages.size() && i < notes.size(); ++i) {
        notes[i].store(messages[i], std::memory_order_relaxed);
    }
}

void CrashNotes::end(std::size_t worker) noexcept {
    for (auto& note : region_->of(worker)) {
        if (note.load(std::memory_order_relaxed) == 0) break;  // notes are dense
        note.store(0, std::memory_order_relaxed);
    }
}

std::uint32_t CrashNotes::crashes(MessageIdentity message) const {
    if (ledger_.empty()) return 0;
    const auto found = ledger_.find(message);
    return found == ledger_.end() ? 0 : found->second;
}

void CrashNotes::take_in_the_dead() {
    const Descriptor lock = lock_folder(folder_);
    take_in_the_dead_locked();
}

void CrashNotes::take_in_the_dead_locked() {
    load_ledger();
    std::vector<fs::path> taken_in;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        if (entry.path().extension() != ".notes" || entry.path() == region_->path) continue;
        const Descriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.is_open() || !file.try_lock()) continue;  // its owner lives
        for (const MessageIdentity message : read_notes(file)) ++ledger_[message];
        taken_in.push_back(entry.path());
    }
    if (taken_in.empty()) return;
    // Should we die in between, a crash counts twice: better than not at all.
    save_ledger();
    for (const fs::path& path : taken_in) fs::remove(path, error);
}

void CrashNotes::discard() noexcept { ::unlink(region_->path.c_str()); }

void CrashNotes::forget(MessageIdentity message) {
    if (!ledger_.contains(message)) return;
    const Descriptor lock = lock_folder(folder_);
    load_ledger();
    ledger_.erase(message);
    save_ledger();
}

void CrashNotes::load_ledger() {
    ledger_.clear();
    std::ifstream file(folder_ / "ledger");
    MessageIdentity message = 0;
    std::uint32_t crashes = 0;
    while (file >> message >> crashes) ledger_[message] = crashes;
}

void CrashNotes::save_ledger() const {
    const fs::path draft = folder_ / "ledger.new";
    {
        std::ofstream file(draft, std::ios::trunc);
        for (const auto& [message, crashes] : ledger_) file << message << ' ' << crashes << '\n';
    }
    std::error_code error;  // a full disk: the old ledger stays, and the queue's own count helps
    fs::rename(draft, folder_ / "ledger", error);
}

}  // namespace rococo::svchost
