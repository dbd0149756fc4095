// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "rococo_svchost/scheduling/leader_election.hpp"

namespace rococo::svchost {

struct FileLeaderOptions {
    std::filesystem::path file;  ///< One for each schedule; made where absent. On a local disk.
    std::string holder;          ///< Who this is, for people who look into the file.
    /// How long a leader may be silent. One that is stopped longer is succeeded.
    std::chrono::microseconds lease = std::chrono::seconds(5);
    /// How often replicas try and the leader renews: a fifth of the lease or less.
    std::chrono::microseconds interval = std::chrono::milliseconds(500);
    /// The machine's clock that is never set and counts in suspend; unset: `CLOCK_BOOTTIME`.
    std::function<std::chrono::microseconds()> clock;
};

/// Leader election among the processes of one machine (containers that share a volume included),
/// over one file.
///
/// The file holds a record: the leader's epoch (a number that grows with each change), when its
/// lease ends, and the latest claim. Two advisory locks on it (fcntl(2), `F_OFD_SETLK`) do the
/// rest: one guards each short look at the record; the other one is held by the leader of an epoch
/// for as long as it lives, and the kernel drops it at its death, so that a dead leader is
/// succeeded at once and a silent one when its lease ends. A leader that was stopped (SIGSTOP) and
/// succeeded finds another epoch in the record when it wakes, and so can claim nothing any more.
///
/// A replica that is stopped within a look at the record (microseconds) holds up the others until
/// it goes on or dies: nobody claims meanwhile, so even then nothing runs twice.
///
/// **Errors**: unavailable where the file cannot be used; configuration where its leader is on
/// another machine.
class FileLeaderElection final : public LeaderElection {
public:
    [[nodiscard]] static Result<std::unique_ptr<FileLeaderElection>> open(
        FileLeaderOptions options);
    ~FileLeaderElection() override;
    FileLeaderElection(const FileLeaderElection&) = delete;
    FileLeaderElection& operator=(const FileLeaderElection&) = delete;

    [[nodiscard]] Result<bool> try_acquire() override;
    [[nodiscard]] Result<bool> keep() override;
    [[nodiscard]] Result<bool> claim(SystemTime due, SystemTime now) override;
    [[nodiscard]] Result<std::optional<SystemTime>> last_claim() override;
    void release() noexcept override;
    [[nodiscard]] std::chrono::microseconds interval() const override { return options_.interval; }
    [[nodiscard]] std::chrono::microseconds takeover_after_death() const override;
    [[nodiscard]] std::chrono::microseconds takeover_after_hang() const override;

private:
    struct Record;
    class Guard;

    FileLeaderElection(FileLeaderOptions options, int file, std::string boot_id);
    [[nodiscard]] Result<Record> read() const;
    [[nodiscard]] Result<void> write(const Record& record) const;
    [[nodiscard]] Result<bool> may_succeed(const Record& record) const;
    [[nodiscard]] Result<bool> take(Record record);
    [[nodiscard]] bool leads(const Record& record) const;
    void forget_leadership() noexcept;

    FileLeaderOptions options_;
    int file_;
    std::string boot_id_;
    std::uint64_t epoch_ = 0;  ///< The epoch that this replica leads; 0: none.
};

}  // namespace rococo::svchost
