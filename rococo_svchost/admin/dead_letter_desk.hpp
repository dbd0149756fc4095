// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api_call.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// Shows dead letters, and sends back or deletes those that were shown. One call at a time asks the
/// queue, as a listing receives the messages and gives them back.
///
/// **Thread-safety**: all members may be called from any thread. They wait for the queue.
class DeadLetterDesk {
public:
    DeadLetterDesk(HostControl& control, const Clock& clock, const Logger& logger, bool bodies)
        : control_(control), clock_(clock), logger_(logger), bodies_(bodies) {}

    /// The listing, at most a minute old unless `?refresh=1`.
    [[nodiscard]] ApiAnswer list(const ApiCall& call);
    [[nodiscard]] ApiAnswer show(const ApiCall& call);
    [[nodiscard]] ApiAnswer requeue(const ApiCall& call);
    [[nodiscard]] ApiAnswer remove(const ApiCall& call);
    [[nodiscard]] ApiAnswer edit(const ApiCall& call);

private:
    using Store = messaging::DeadLetterStore;
    using StoreAction = Result<std::size_t> (Store::*)(std::span<const std::string>);
    struct Snapshot {
        SteadyTime at;
        nlohmann::json document;
    };

    [[nodiscard]] tl::expected<std::unique_ptr<Store>, http::HttpResponse> open_store();
    [[nodiscard]] ApiAnswer take_snapshot();
    [[nodiscard]] static tl::unexpected<http::HttpResponse> edit_refused(Store& store,
                                                                         const ApiCall& call,
                                                                         const Error& error);
    /// Letters by their ids; none: all, as there are more than can be listed.
    using Named = std::optional<std::vector<std::string>>;
    [[nodiscard]] static tl::expected<Named, http::HttpResponse> named_letters(
        const nlohmann::json& body, Store& store);
    [[nodiscard]] ApiAnswer act(const ApiCall& call, StoreAction action, const char* done);

    HostControl& control_;
    const Clock& clock_;
    Logger logger_;
    bool bodies_;
    std::mutex mutex_;
    std::optional<Snapshot> snapshot_;  ///< Under the mutex.
};

}  // namespace rococo::svchost
