// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "child_page.hpp"
#include "child_restarts.hpp"
#include "life_limits.hpp"
#include "lines_window.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/processors/call_services.hpp"
#include "running_lines.hpp"

namespace rococo::svchost::lines {

/// Gives messages to a program that speaks lines of JSON, and starts a new process where one has
/// ended.
class LinesProcessor final : public Processor {
public:
    /// Starts a process that has had the time to say that it is ready.
    using Start = std::function<Result<std::unique_ptr<RunningLines>>()>;

    struct Settings {
        std::chrono::microseconds process_timeout{};  ///< Zero: none.
        ChildLimits limits{};
    };

    /// `program` is running already.
    LinesProcessor(const Settings& settings, Start start, std::unique_ptr<child::ChildPage> page,
                   std::unique_ptr<RunningLines> program, HostServices host);

    void process(const Call& call, std::span<const messaging::Delivery* const> deliveries,
                 std::span<Outcome> outcomes) override;
    /// As many as the program said that it works on in parallel.
    [[nodiscard]] std::size_t wanted_at_once() const override { return parallel_; }

private:
    /// Whether there is a program that can be given work.
    [[nodiscard]] bool have_program(const Call& call);
    /// A new process, which has answered nothing yet.
    void take_over(std::unique_ptr<RunningLines> program);
    /// Under the program's lock.
    void note_what_it_said();
    /// Ends a process that has done enough; the next message starts another.
    void replace_in_time(const Call& call, LinesWindow& window);
    /// Works on the window until all is answered or the process has ended.
    void serve(const Call& call, std::span<const messaging::Delivery* const> deliveries,
               LinesWindow& window);
    /// Ends a process that is no use any more, or has had its time; why goes to `cause_`.
    void end_it(std::unique_lock<std::mutex>& lock, const Call& call, const LinesWindow& window);
    static void tell(const Call& call, LinesWindow& window, SteadyTime now);
    void bury(LinesWindow& window, const child::ChildEnd& end);

    const Settings settings_;
    const Start start_;
    const HostServices host_;
    const Logger logger_;
    std::unique_ptr<child::ChildPage> page_;
    std::unique_ptr<RunningLines> program_;  // what it says goes to the page
    std::uint64_t next_ = 1;
    std::size_t parallel_ = 0;
    std::string cause_;  // why the host ends it, if it does
    SteadyTime cancelled_at_ = SteadyTime::max();
    child::LifeLimits life_;  // of this process
    child::ChildRestarts restarts_;
    std::optional<Error> failure_;  // why the last one could not be started
};

}  // namespace rococo::svchost::lines
