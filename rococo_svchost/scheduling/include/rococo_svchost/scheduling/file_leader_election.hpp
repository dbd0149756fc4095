// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"

namespace rococo::svchost {

struct FileLeaderOptions {
    std::filesystem::path file;  ///< One per schedule, on a local disk; created if missing.
    std::string holder;          ///< A description of this replica, for people who read the file.
    /// How long a leader may be silent before it is replaced.
    std::chrono::microseconds lease = std::chrono::seconds(5);
    /// How often replicas try to acquire and the leader renews: at most a fifth of the lease.
    std::chrono::microseconds interval = std::chrono::milliseconds(500);
    const Clock& clock;  ///< Leases are measured by its elapsed time, which continues in suspend.
};

/// Leader election among the processes of one machine, including containers that share a volume,
/// through one lock file.
///
/// The file holds a record: the leader's epoch (a number that grows with each change of leader),
/// the end of its lease, and the latest claim. It has two advisory locks (fcntl(2), `F_OFD_SETLK`).
/// One guards each brief access to the record. The other is held by an epoch's leader; the kernel
/// releases it when the leader dies. So a dead leader is replaced at once, and a silent one when
/// its lease ends. A leader that was stopped (SIGSTOP) and replaced finds another epoch in the
/// record when it resumes, and can no longer claim anything.
///
/// A replica that is stopped while accessing the record (for microseconds) blocks the others until
/// it resumes or dies. No replica can claim meanwhile, so even then nothing runs twice. No replica
/// waits for it longer than a fifth of a second. The file is accessible only to its owner (0600),
/// because anyone who can read it could lock it as well.
///
/// **Ownership**: the clock must outlive it.
/// **Errors**: unavailable if the file cannot be used or is blocked; configuration if its leader is
/// on another machine, or if it is another kind of file.
class FileLeaderElection final : public LeaderElection {
public:
    /// Creates the file and missing parent folders, accessible only to this user.
    [[nodiscard]] static Result<std::unique_ptr<FileLeaderElection>> open(
        FileLeaderOptions options);
    /// Checks whether `open` and then `try_acquire` would work, without changing anything.
    [[nodiscard]] static Result<void> check(const FileLeaderOptions& options);
    ~FileLeaderElection() override { release(); }
    FileLeaderElection(const FileLeaderElection&) = delete;
    FileLeaderElection& operator=(const FileLeaderElection&) = delete;

    [[nodiscard]] Result<bool> try_acquire() override;
    [[nodiscard]] Result<bool> keep() override;
    [[nodiscard]] Result<bool> claim(SystemTime due, SystemTime believed_until) override;
    [[nodiscard]] Result<std::optional<SystemTime>> last_claim() override;
    void release() noexcept override;
    [[nodiscard]] ElectionTraits traits() const override {
        return {options_.interval, options_.interval, kSmallestClockStep};
    }

private:
    struct Record;
    class Guard;

    FileLeaderElection(FileLeaderOptions options, FileDescriptor file);
    [[nodiscard]] Result<Record> read() const;
    [[nodiscard]] Result<void> write(const Record& record) const;
    [[nodiscard]] std::chrono::microseconds lease_from_now() const;
    [[nodiscard]] Result<bool> may_succeed(const Record& record) const;
    [[nodiscard]] Result<bool> take(Record record);
    [[nodiscard]] Result<bool> renew(Record record);
    [[nodiscard]] bool leads(const Record& record) const;
    [[nodiscard]] tl::unexpected<Error> held_up() const;

    FileLeaderOptions options_;
    FileDescriptor file_;
    std::string boot_id_;
    std::uint64_t epoch_ = 0;  ///< The epoch led by this replica; 0 if none.
};

}  // namespace rococo::svchost
