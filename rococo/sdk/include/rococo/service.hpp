// SPDX-License-Identifier: MIT
#pragma once

/// All that a service includes:
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
/// A processor that works on a schedule derives from nothing: a class with `void process()`.

#include "rococo/context.hpp"
#include "rococo/detail/registry.hpp"
#include "rococo/errors.hpp"
#include "rococo/messaging/base_service_processor.hpp"
#include "rococo/messaging/batch.hpp"
#include "rococo/messaging/message.hpp"
#include "rococo/service_logger.hpp"

// rococo_add_service() says which module a source file is: `service_example.processor`.
#ifndef ROCOCO_MODULE
#define ROCOCO_MODULE "unknown.processor"
#endif

#define ROCOCO_DETAIL_JOIN_(left, right) left##right
#define ROCOCO_DETAIL_JOIN(left, right) ROCOCO_DETAIL_JOIN_(left, right)

/// Makes a class known to the host, under its name without namespaces. Write it once for each
/// processor, in the source file that defines it, at namespace scope.
#define ROCOCO_PROCESSOR(Type)                                                                     \
    namespace {                                                                                    \
    const ::rococo::detail::Registration<Type> ROCOCO_DETAIL_JOIN(rococo_registration_, __LINE__)( \
        ::rococo::detail::unqualified(#Type), ROCOCO_MODULE);                                      \
    }
