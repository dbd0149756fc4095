// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/processors/service.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "rococo_svchost/runtime/worker_pool.hpp"

namespace rococo::svchost {

/// The configured settings of a dispatcher.
[[nodiscard]] Dispatcher::Settings dispatcher_settings(const Configuration& configuration);

/// The configured settings of the workers that call this processor.
[[nodiscard]] WorkerPool::Settings pool_settings(const Configuration& configuration,
                                                 const ProcessorInfo& processor);

/// How often the queue is to be asked how many messages it has; zero: never.
[[nodiscard]] std::chrono::milliseconds depth_interval(const Configuration& configuration);

}  // namespace rococo::svchost
