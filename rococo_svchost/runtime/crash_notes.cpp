// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "crash_file.hpp"
#include "crash_ledger.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/forked_child.hpp"
#include "rococo/base/signal_name.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

bool try_lock(const FileDescriptor& file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

/// Holds the folder's lock: one host at a time makes notes files, takes in the dead, or changes the
/// ledger. Held for microseconds; whoever holds it for seconds is not one of us, and not waited
/// for. Not open, with `errno`, where it cannot be had.
FileDescriptor lock_folder(const fs::path& folder) {
    constexpr std::chrono::seconds kLongest{3};
    constexpr std::chrono::milliseconds kBetweenTries{5};
    FileDescriptor lock(
        ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.is_open()) return lock;
    ::fchmod(lock.get(), 0600);  // version 1.0.0 let others read it, which is enough to lock it
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    while (!try_lock(lock)) {
        if (errno != EWOULDBLOCK && errno != EINTR) return {};
        if (std::chrono::steady_clock::now() >= deadline) {
            errno = ETIMEDOUT;
            return {};
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
    return lock;
}

/// A queue's name as a folder's: everything unusual becomes an underscore. Two queues that share a
/// folder do no harm, since identities include the queue.
std::string folder_name(std::string_view queue) {
    std::string name(queue.substr(0, 100));
    for (char& c : name)
        if (!is_letter(c) && !is_digit(c) && c != '-') c = '_';
    return name.empty() ? "_" : name;
}

/// For people: the message's id, or what identifies it here.
std::string name_of(const DeadHost::Note& note) {
    return note.name.empty() ? fmt::format("without an id ({:016x})", note.identity) : note.name;
}

std::string words_for(int signal) { return signal == 0 ? "a call of exit()" : signal_name(signal); }

/// Where the page of a worker's processor lies.
fs::path page_path(const fs::path& notes, std::size_t worker) {
    fs::path path = notes;
    return path.replace_extension(fmt::format("{}.page", worker));
}

std::string run_of(const DeadHost& dead) {
    return dead.pid == 0 ? "A previous run" : fmt::format("A previous run (pid {})", dead.pid);
}

}  // namespace

/// The mapped file: a header, and `max_batch` notes for each worker.
struct CrashNotes::Region {
    fs::path path;
    FileDescriptor file;
    ClosedInForkedChild closed_in_child;  // who would keep the dead looking alive
    std::size_t workers;
    std::size_t max_batch;
    std::size_t bytes;
    void* map;
    std::size_t pages = 0;  // of workers whose processors have processes

    ~Region() {
        ::munmap(map, bytes);
        remove_files();  // an orderly end leaves nothing to take in
    }

    void remove_files() const noexcept {
        ::unlink(path.c_str());
        for (std::size_t worker = 0; worker < pages; ++worker)
            ::unlink(page_path(path, worker).c_str());
    }

    [[nodiscard]] CrashFileHeader& header() const { return *static_cast<CrashFileHeader*>(map); }
    [[nodiscard]] std::span<CrashFileNote> of(std::size_t worker) const {
        auto* const notes = reinterpret_cast<CrashFileNote*>(&header() + 1);
        return {notes + worker * max_batch, max_batch};
    }
};

Result<std::unique_ptr<CrashNotes>> CrashNotes::open(const fs::path& folder, std::string_view queue,
                                                     const Settings& settings, const Clock& clock,
                                                     const Logger& logger) {
    const auto refuse = [](const fs::path& path, int error) {
        return failure(ErrorKind::unavailable,
                       fmt::format("cannot write crash notes to {}: {}", path.string(),
                                   error == ETIMEDOUT ? "another process keeps it locked"
                                                      : std::generic_category().message(error)));
    };
    const fs::path own_folder = folder / "crash-notes" / folder_name(queue);
    std::error_code error;
    fs::create_directories(own_folder, error);
    if (error) return refuse(own_folder, error.value());
    // Ours alone: ids of messages are in there. Where they belong to somebody else, so be it.
    fs::permissions(own_folder.parent_path(), fs::perms::owner_all, error);
    fs::permissions(own_folder, fs::perms::owner_all, error);
    const FileDescriptor folder_lock = lock_folder(own_folder);
    if (!folder_lock.is_open()) return refuse(own_folder / "lock", errno);

    std::string name = (own_folder / "XXXXXX.notes").string();
    FileDescriptor file(::mkostemps(name.data(), 6, O_CLOEXEC));
    if (!file.is_open() || !try_lock(file)) return refuse(name, errno);
    const std::size_t bytes =
        sizeof(CrashFileHeader) + settings.workers * settings.max_batch * sizeof(CrashFileNote);
    // Real blocks, not a hole: writing to a mapped hole on a full disk kills the process.
    const int no_space = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes));
    void* const map =
        no_space != 0 ? MAP_FAILED
                      : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (map == MAP_FAILED) {
        const int reason = no_space != 0 ? no_space : errno;
        ::unlink(name.c_str());
        return refuse(name, reason);
    }
    // A mapping holds the file's lock as a descriptor does, and a forked child has no business
    // here.
    ::madvise(map, bytes, MADV_DONTFORK);
    auto* const header = new (map) CrashFileHeader;
    header->pid = static_cast<std::uint32_t>(::getpid());
    header->workers = static_cast<std::uint32_t>(settings.workers);
    header->max_batch = static_cast<std::uint32_t>(settings.max_batch);

    ClosedInForkedChild closed(file.get());
    // make_unique cannot make an aggregate before clang 16. NOLINTNEXTLINE(modernize-make-unique)
    std::unique_ptr<Region> region(new Region{name, std::move(file), std::move(closed),
                                              settings.workers, settings.max_batch, bytes, map, 0});
    auto notes =
        std::unique_ptr<CrashNotes>(new CrashNotes(own_folder, std::move(region), clock, logger));
    notes->take_in_the_dead_locked();
    return notes;
}

CrashNotes::CrashNotes(fs::path folder, std::unique_ptr<Region> region, const Clock& clock,
                       const Logger& logger)
    : folder_(std::move(folder)),
      region_(std::move(region)),
      ledger_(std::make_unique<Ledger>(folder_)),
      clock_(clock),
      logger_(logger) {}

CrashNotes::~CrashNotes() = default;

void CrashNotes::begin(std::size_t worker, std::span<const MessageIdentity> messages,
                       std::span<const messaging::Delivery* const> deliveries) noexcept {
    const auto notes = region_->of(worker);
    for (std::size_t i = 0; i < messages.size() && i < notes.size(); ++i) {
        CrashFileNote& note = notes[i];
        const std::string_view id = i < deliveries.size() ? deliveries[i]->id : "";
        // An id that is absent has no address: memcpy must not be given it.
        const std::size_t length = id.copy(note.name.data(), note.name.size());
        if (length < note.name.size()) note.name[length] = '\0';
        // Where the queue counts crashes as well, its count says nothing about ours.
        note.attempt = i < deliveries.size() && !deliveries[i]->attempt_counts_crashes
                           ? deliveries[i]->attempt
                           : 0;
        note.identity.store(messages[i], std::memory_order_release);
    }
}

void CrashNotes::end(std::size_t worker) noexcept {
    for (CrashFileNote& note : region_->of(worker)) {
        if (note.identity.load(std::memory_order_relaxed) == 0) break;  // notes are dense
        note.identity.store(0, std::memory_order_relaxed);
    }
}

void CrashNotes::keep_page(std::size_t worker, int page) noexcept {
    const std::string link = fmt::format("/proc/self/fd/{}", page);
    if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, page_path(region_->path, worker).c_str(),
                 AT_SYMLINK_FOLLOW) == 0)
        region_->pages = std::max(region_->pages, worker + 1);
}

void CrashNotes::blame(std::size_t worker, int signal) noexcept {
    CrashFileHeader& header = region_->header();
    std::uint32_t nobody = 0;
    if (header.blamed.compare_exchange_strong(nobody, static_cast<std::uint32_t>(worker) + 1)) {
        header.signal = signal;
    }
}

void CrashNotes::ending_on_purpose() noexcept { region_->header().ending_on_purpose = 1; }

std::size_t CrashNotes::name_in_hand(std::size_t worker, std::span<char> name) const noexcept {
    if (worker >= region_->workers || region_->max_batch == 0) return 0;
    const CrashFileNote& note = region_->of(worker)[0];
    if (note.identity.load() == 0) return 0;
    std::size_t length = 0;
    while (length < std::min(name.size(), note.name.size()) && note.name[length] != '\0') {
        const char c = note.name[length];
        name[length++] = c >= ' ' && c <= '~' ? c : '?';
    }
    return length;
}

CrashNotes::Record CrashNotes::record(MessageIdentity message) const {
    if (ledger_->empty()) return {};
    return ledger_->find(message);
}

void CrashNotes::take_in_the_dead() {
    const FileDescriptor lock = lock_folder(folder_);
    if (lock.is_open()) take_in_the_dead_locked();  // another time
}

void CrashNotes::take_in_the_dead_locked() {
    ledger_->load(clock_.now());
    std::vector<fs::path> taken_in;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        if (entry.path().extension() != ".notes" || entry.path() == region_->path) continue;
        const FileDescriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.is_open() || !try_lock(file)) continue;  // its owner lives
        DeadHost dead = read_crash_file(file.get());
        taken_in.push_back(entry.path());
        for (std::size_t worker = 0; worker < dead.workers; ++worker) {
            const fs::path path = page_path(entry.path(), worker);
            const FileDescriptor page(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (!page.is_open()) continue;
            if (const auto work = read_work_page(page.get()))
                leave_what_was_begun(dead, worker, *work);
            taken_in.push_back(path);
        }
        take_in(dead);
    }
    if (taken_in.empty()) return;
    // Should we die in between, a crash counts twice: better than not at all.
    ledger_->save();
    for (const fs::path& path : taken_in) fs::remove(path, error);
}

void CrashNotes::take_in(const DeadHost& dead) {
    const auto [accused, charged, alone] = hold_inquest(dead);
    if (accused.empty()) {
        if (dead.ending_on_purpose && !dead.blamed && !dead.notes.empty())
            logger_.info("{} was ended amid its work, as asked: no message counts as tried",
                         run_of(dead));
        return;
    }

    const SystemTime now = clock_.now();
    const std::string how =
        dead.blamed ? fmt::format("was ended by {} while worker {} processed",
                                  words_for(dead.signal), *dead.blamed)
                    : "was killed (by SIGKILL, for want of memory, or by _exit) while it processed";
    if (charged) {
        ledger_->charge(accused.front().identity, accused.front().attempt, now);
        logger_.warning("{} {} message {}: it counts as tried", run_of(dead), how,
                        name_of(accused.front()));
        return;
    }
    for (const DeadHost::Note& note : accused) ledger_->suspect(note.identity, alone, now);
    logger_.warning(
        "{} {} {} messages, {} among them: none counts as tried, and each is processed "
        "{} now, to find the one that did it",
        run_of(dead), how, accused.size(), name_of(accused.front()), alone ? "alone" : "by itself");
}

void CrashNotes::discard() noexcept { region_->remove_files(); }

void CrashNotes::forget(MessageIdentity message) {
    if (!ledger_->erase(message)) return;
    const FileDescriptor lock = lock_folder(folder_);
    if (!lock.is_open()) return;  // it stays in the file, and goes with time
    ledger_->load(clock_.now());
    if (ledger_->erase(message)) ledger_->save();
}

}  // namespace rococo::svchost
