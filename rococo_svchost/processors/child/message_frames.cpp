// SPDX-License-Identifier: MIT
#include "message_frames.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "frames.hpp"
#include "json_text.hpp"

namespace rococo::svchost::child {

namespace {

using messaging::Delivery;

/// The metadata of a message: only what is not the default.
class Meta {
public:
    explicit Meta(std::string& out) : out_(out) { out_.clear(); }

    void add(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        begin(name);
        append_json(out_, value);
    }
    void add(std::string_view name, std::int64_t value, std::int64_t fallback) {
        if (value == fallback) return;
        begin(name);
        fmt::format_to(std::back_inserter(out_), "{}", value);
    }
    void add(std::string_view name, std::span<const messaging::HeaderView> headers) {
        if (headers.empty()) return;
        begin(name);
        char before = '[';
        for (const messaging::HeaderView& header : headers) {
            out_ += before;
            out_ += '[';
            append_json(out_, header.name);
            out_ += ',';
            append_json(out_, header.value);
            out_ += ']';
            before = ',';
        }
        out_ += ']';
    }
    void end() {
        if (!out_.empty()) out_ += '}';
    }

private:
    void begin(std::string_view name) {
        out_ += out_.empty() ? "{\"" : ",\"";
        out_ += name;
        out_ += "\":";
    }
    std::string& out_;
};

}  // namespace

void MessageFrames::append(const Delivery& delivery, std::uint32_t attempt, std::uint64_t seq,
                           std::uint8_t kind, std::size_t batch) {
    Meta meta(meta_);
    meta.add("id", delivery.id);
    meta.add("queue", delivery.queue);
    meta.add("attempt", attempt, 1);
    meta.add("content_type", delivery.content_type);
    meta.add("correlation_id", delivery.correlation_id);
    meta.add("sent_at", delivery.sent_at.time_since_epoch().count(), 0);
    meta.add("headers", delivery.headers);
    meta.add("redelivered", delivery.redelivered ? 1 : 0, 0);
    meta.add("content_encoding", delivery.content_encoding);
    meta.add("reply_to", delivery.reply_to);
    meta.add("type", delivery.type);
    meta.add("app_id", delivery.app_id);
    meta.add("priority", delivery.priority ? *delivery.priority : -1, -1);
    meta.add("batch", static_cast<std::int64_t>(batch), 0);
    meta.end();
    append_header(text_, kind, meta_.size(), delivery.body.size(), seq);
    text_ += meta_;
}

std::span<const iovec> MessageFrames::of_messages(std::span<const Delivery* const> deliveries,
                                                  std::span<const std::uint32_t> attempts,
                                                  std::uint64_t first, bool as_batch) {
    text_.clear();
    ends_.clear();
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        const bool last = i + 1 == deliveries.size();
        const auto kind = static_cast<std::uint8_t>(static_cast<unsigned>(Order::message) |
                                                    (last ? kLastOfWindow : 0U));
        append(*deliveries[i], attempts[i], first + i, kind,
               as_batch && i == 0 ? deliveries.size() : 0);
        ends_.push_back(text_.size());
    }
    parts_.clear();  // only now: the text stays where it is
    std::size_t begin = 0;
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        const std::string_view body = deliveries[i]->body;
        parts_.push_back({text_.data() + begin, ends_[i] - begin});
        // sendmsg only reads. NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
        if (!body.empty()) parts_.push_back({const_cast<char*>(body.data()), body.size()});
        begin = ends_[i];
    }
    return parts_;
}

std::span<const iovec> MessageFrames::of_run(const Call& call, std::uint64_t seq) {
    text_.clear();
    append_frame(text_, Order::run,
                 fmt::format(R"({{"scheduled_at":{},"attempt":{}}})",
                             call.scheduled_at.time_since_epoch().count(), call.attempts.front()),
                 seq);
    parts_.assign(1, {text_.data(), text_.size()});
    return parts_;
}

}  // namespace rococo::svchost::child
