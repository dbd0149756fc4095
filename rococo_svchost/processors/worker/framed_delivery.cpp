// SPDX-License-Identifier: MIT
#include "framed_delivery.hpp"

namespace rococo::svchost::child {

using Json = nlohmann::json;

FramedDelivery::FramedDelivery(const Frame& frame)
    : seq_(frame.seq),
      meta_(frame.meta.empty() ? Json::object() : Json::parse(frame.meta)),
      body_(frame.payload) {
    body = body_;
    id = text("id");
    queue = text("queue");
    content_type = text("content_type");
    correlation_id = text("correlation_id");
    content_encoding = text("content_encoding");
    reply_to = text("reply_to");
    type = text("type");
    app_id = text("app_id");
    if (meta_.contains("priority")) priority = meta_.at("priority").get<std::uint8_t>();
    sent_at = SystemTime(std::chrono::microseconds(meta_.value("sent_at", std::int64_t{0})));
    number = seq_;
    attempt = meta_.value("attempt", std::uint32_t{1});
    redelivered = meta_.value("redelivered", 0) != 0;
    batch_size_ = meta_.value("batch", std::size_t{0});
    if (const auto found = meta_.find("headers"); found != meta_.end()) {
        for (const Json& pair : *found) {
            views_.push_back({pair.at(0).get_ref<const std::string&>(),
                              pair.at(1).get_ref<const std::string&>()});
        }
    }
    headers = views_;
}

std::string_view FramedDelivery::text(const char* name) const {
    const auto found = meta_.find(name);
    return found == meta_.end() ? std::string_view() : found->get_ref<const std::string&>();
}

}  // namespace rococo::svchost::child
