// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo_svchost/admin/buckets.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::tests {

/// The dead letters of a fake host, shared by the stores that are made for single calls.
struct FakeLetters {
    std::mutex mutex;
    std::vector<messaging::DeadLetter> letters;  ///< Under the mutex, like all here.
    std::vector<std::string> requeued;           ///< Ids; `*` stands for a call for all.
    std::size_t listings = 0;
    std::function<void()> on_list;  ///< Called before a listing.
    std::function<Result<std::string>(std::string_view id, std::string_view body)> on_edit;
};

class FakeDeadLetterStore final : public messaging::DeadLetterStore {
public:
    explicit FakeDeadLetterStore(FakeLetters& all) : all_(all) {}

    Result<std::vector<messaging::DeadLetter>> list(std::size_t limit) override {
        return summaries(limit);
    }
    Result<std::vector<messaging::DeadLetter>> summaries(std::size_t limit) override {
        if (all_.on_list) all_.on_list();
        const std::scoped_lock lock(all_.mutex);
        ++all_.listings;
        const auto count = std::min(limit, all_.letters.size());
        return std::vector(all_.letters.begin(),
                           all_.letters.begin() + static_cast<std::ptrdiff_t>(count));
    }
    Result<std::size_t> count() override {
        const std::scoped_lock lock(all_.mutex);
        return all_.letters.size();
    }
    Result<std::optional<messaging::DeadLetter>> find(std::string_view id) override {
        const std::scoped_lock lock(all_.mutex);
        for (const auto& letter : all_.letters)
            if (letter.id == id) return letter;
        return std::nullopt;
    }
    Result<std::size_t> requeue(std::span<const std::string> ids) override {
        const std::scoped_lock lock(all_.mutex);
        all_.requeued.insert(all_.requeued.end(), ids.begin(), ids.end());
        if (ids.empty()) all_.requeued.emplace_back("*");
        return take(ids);
    }
    Result<std::size_t> remove(std::span<const std::string> ids) override {
        const std::scoped_lock lock(all_.mutex);
        return take(ids);
    }
    Result<std::string> edit_and_requeue(std::string_view id, std::string_view body) override {
        return all_.on_edit(id, body);
    }

private:
    std::size_t take(std::span<const std::string> ids) {
        return std::erase_if(all_.letters, [ids](const messaging::DeadLetter& letter) {
            return ids.empty() || std::find(ids.begin(), ids.end(), letter.id) != ids.end();
        });
    }

    FakeLetters& all_;
};

/// A host that says what a test has set, and remembers what it was asked for.
class FakeHost final : public svchost::HostControl {
public:
    FakeHost() {
        facts_.identity = {.service = "OrderServiceProcessor",
                           .language = "library",
                           .scheduled = false,
                           .instance = "web1-4711",
                           .version = "1.2.0",
                           .commit = "73ebe23",
                           .process = 4711,
                           .started_at = SystemTime(std::chrono::seconds(1'700'000'000)),
                           .queue = "orders",
                           .system = "rabbitmq",
                           .endpoint = "amqp://guest@localhost:5672/",
                           .workers = 4};
        facts_.now = facts_.identity.started_at + std::chrono::milliseconds(12'500);
        facts_.phase = svchost::HostPhase::running;
        facts_.ready = true;
        facts_.connection = svchost::ConnectionFacts{.state = "consuming",
                                                     .reason = {},
                                                     .since = facts_.identity.started_at,
                                                     .reconnects = 0};
    }

    /// Changes the facts, or anything else, under the host's lock.
    void change(const std::function<void(FakeHost&)>& change) {
        const std::scoped_lock lock(mutex_);
        change(*this);
    }
    svchost::HostFacts facts_;
    svchost::Capabilities capabilities_{
        .pause = true, .run_now = false, .list_retries = false, .dead_letters = true, .edit = true};
    std::vector<svchost::InHandMessage> in_hand_;
    std::vector<svchost::Failure> failures_;
    std::vector<svchost::Setting> settings_;
    std::vector<svchost::LogLine> log_;
    std::vector<messaging::WaitingRetry> retries_;
    LogLevel level_ = LogLevel::info;
    std::optional<Error> error_;        ///< What every call that can fail fails with.
    std::optional<Error> edit_error_;   ///< What `edit_and_requeue` fails with.
    bool throws_ = false;               ///< `facts` does.
    std::vector<std::string> actions_;  ///< `pause nightly 600000 api`.
    FakeLetters letters_;

    [[nodiscard]] std::vector<std::string> actions() const {
        const std::scoped_lock lock(mutex_);
        return actions_;
    }

    svchost::HostFacts facts() const override {
        const std::scoped_lock lock(mutex_);
        if (throws_) throw std::runtime_error("The host cannot say how it is.");
        return facts_;
    }
    svchost::Capabilities capabilities() const override {
        const std::scoped_lock lock(mutex_);
        return capabilities_;
    }
    std::vector<svchost::InHandMessage> in_hand() const override { return in_hand_; }
    std::vector<svchost::Failure> failures() const override { return failures_; }
    std::vector<svchost::Setting> settings() const override { return settings_; }
    std::vector<svchost::LogLine> log(std::uint64_t after) const override {
        std::vector<svchost::LogLine> lines;
        std::copy_if(log_.begin(), log_.end(), std::back_inserter(lines),
                     [after](const svchost::LogLine& line) { return line.number > after; });
        return lines;
    }
    LogLevel log_level() const override { return level_; }

    Result<void> pause(const std::string& reason, std::optional<std::chrono::milliseconds> length,
                       const std::string& by) override {
        const std::scoped_lock lock(mutex_);
        if (error_) return tl::unexpected(*error_);
        actions_.push_back("pause " + reason + " " + std::to_string(length ? length->count() : 0) +
                           " " + by);
        facts_.paused = svchost::PauseFacts{
            .reason = reason, .by = by, .since = facts_.now, .until = std::nullopt};
        if (length) facts_.paused->until = facts_.now + *length;
        return {};
    }
    Result<bool> resume(const std::string& by) override {
        const std::scoped_lock lock(mutex_);
        if (error_) return tl::unexpected(*error_);
        actions_.push_back("resume " + by);
        return std::exchange(facts_.paused, std::nullopt).has_value();
    }
    Result<void> run_now(const std::string& by) override {
        const std::scoped_lock lock(mutex_);
        if (error_) return tl::unexpected(*error_);
        actions_.push_back("run " + by);
        return {};
    }
    void set_log_level(LogLevel level, const std::string& by) override {
        const std::scoped_lock lock(mutex_);
        level_ = level;
        actions_.push_back("level " + std::to_string(static_cast<int>(level)) + " " + by);
    }
    Result<std::vector<messaging::WaitingRetry>> retries(std::size_t limit) override {
        if (error_) return tl::unexpected(*error_);
        return std::vector(
            retries_.begin(),
            retries_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, retries_.size())));
    }
    Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters() override {
        if (error_) return tl::unexpected(*error_);
        letters_.on_edit = [this](std::string_view id, std::string_view body) {
            return edit(id, body);
        };
        return std::make_unique<FakeDeadLetterStore>(letters_);
    }

private:
    Result<std::string> edit(std::string_view id, std::string_view body) {
        const std::scoped_lock lock(mutex_);
        if (edit_error_) return tl::unexpected(*edit_error_);
        actions_.push_back(std::string("edit ").append(id).append(" ").append(body));
        return "new-id";
    }

    mutable std::mutex mutex_;
};

}  // namespace rococo::tests
