// SPDX-License-Identifier: MIT
#pragma once

/// The one header that a service includes:
///
///     #include <rococo/service.hpp>
///
///     class OrderProcessor : public rococo::messaging::BaseServiceProcessor {
///     public:
///         void process(const rococo::messaging::Message& message) override {
///             rococo::logger().info("Order {}", message.body());
///         }
///     };
///     ROCOCO_PROCESSOR(OrderProcessor)
///
/// A processor that runs on a schedule needs no base class, only `void process()`.

#include "rococo/context.hpp"
#include "rococo/detail/registry.hpp"
#include "rococo/errors.hpp"
#include "rococo/messaging/base_service_processor.hpp"
#include "rococo/messaging/batch.hpp"
#include "rococo/messaging/message.hpp"
#include "rococo/service_logger.hpp"

// rococo_add_service() defines this for each source file, for example `service_example.processor`.
#ifndef ROCOCO_MODULE
#define ROCOCO_MODULE "unknown.processor"
#endif

#define ROCOCO_DETAIL_JOIN_(left, right) left##right
#define ROCOCO_DETAIL_JOIN(left, right) ROCOCO_DETAIL_JOIN_(left, right)

/// Registers a processor with the host under its class name, without namespaces. Write it once per
/// processor, at namespace scope, in the source file that defines the class.
#define ROCOCO_PROCESSOR(Type)                                                                     \
    namespace {                                                                                    \
    const ::rococo::detail::Registration<Type> ROCOCO_DETAIL_JOIN(rococo_registration_, __LINE__)( \
        ::rococo::detail::unqualified(#Type), ROCOCO_MODULE);                                      \
    }
