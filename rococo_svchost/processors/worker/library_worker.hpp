// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framed_delivery.hpp"
#include "frames.hpp"
#include "host_calls.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo_svchost/processors/library_service.hpp"
#include "worker_page.hpp"

namespace rococo::svchost::child {

/// The child's side of the protocol for processors of libraries: what `rococo_svchost/worker.py` is
/// for those in Python.
///
/// **Thread-safety**: the main thread only.
class LibraryWorker {
public:
    /// `calls` must live as long as the process: a service's own threads may log until its end.
    LibraryWorker(std::filesystem::path library, FileDescriptor work, HostCalls& calls,
                  WorkerPage page);

    /// From the host's greeting to its end. **Errors**: what the host must know, or what it did
    /// wrong.
    [[nodiscard]] Result<void> run();

    /// Tells the host why there will be no processor.
    void refuse(const Error& error);

private:
    using Json = nlohmann::json;

    /// The next frame; none once the host has gone.
    [[nodiscard]] Result<std::optional<Frame>> receive();
    void send(Report report, std::uint64_t seq, const Json& meta = {});

    [[nodiscard]] Result<void> load(const Json& hello);
    [[nodiscard]] Result<void> make_instance();
    /// False: the host wants no more.
    [[nodiscard]] Result<bool> take(const Frame& frame);
    [[nodiscard]] Result<void> message(const Frame& frame);
    void run_of_schedule(const Frame& frame);
    void process(std::span<const std::unique_ptr<FramedDelivery>> deliveries);
    void call(Call call, std::span<const messaging::Delivery* const> deliveries,
              std::uint64_t first);
    void returned(std::uint64_t first, std::uint64_t last);
    void end_window(std::uint64_t last);

    const std::filesystem::path library_;
    const FileDescriptor work_;
    HostCalls& calls_;
    WorkerPage page_;
    FrameReader reader_{kLargestOfAll};
    RealClock clock_;
    std::chrono::microseconds process_timeout_{};
    std::string queue_prefix_;
    std::unique_ptr<LibraryService> service_;
    ProcessorInfo chosen_;
    std::unique_ptr<ProcessorFactory> factory_;
    std::unique_ptr<Processor> processor_;
    std::vector<std::unique_ptr<FramedDelivery>> batch_;
    std::uint64_t passed_over_ = 0;  // all up to it that are not begun are not to be
};

}  // namespace rococo::svchost::child
