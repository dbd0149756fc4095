// SPDX-License-Identifier: MIT
#include "message_environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "json_text.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"

namespace rococo::svchost::command {

namespace {

// The longest that the system takes, with its name and its end (MAX_ARG_STRLEN).
constexpr std::size_t kLongest = std::size_t{128} * 1024;
// Of all that a message has: the system takes 2 MiB, arguments and the host's own included.
constexpr std::size_t kMost = std::size_t{512} * 1024;

constexpr std::string_view kHeaderPrefix = "ROCOCO_HEADER_";
constexpr auto kNames = std::to_array<std::string_view>(
    {"ROCOCO_ATTEMPT", "ROCOCO_CONTENT_TYPE", "ROCOCO_CORRELATION_ID", "ROCOCO_DEADLINE",
     "ROCOCO_HEADERS", "ROCOCO_MESSAGE_ID", "ROCOCO_QUEUE", "ROCOCO_SCHEDULED_AT",
     "ROCOCO_SENT_AT"});

class Builder {
public:
    void add(std::string_view name, std::string_view value) {
        if (value.empty() || !names_.emplace(name).second) return;
        put(name, value);
    }
    void add(std::string_view name, SystemTime time) {
        if (time != SystemTime()) add(name, format_utc(time));
    }
    void add(std::string_view name, std::uint32_t number) { add(name, std::to_string(number)); }
    /// A header, which may be empty. Of two whose names become the same, the first counts.
    void add(const messaging::HeaderView& header) {
        std::string name(kHeaderPrefix);
        for (const char c : header.name) name += is_letter(c) || is_digit(c) ? to_upper(c) : '_';
        if (names_.insert(name).second) put(name, header.value);
    }
    MessageEnvironment take() { return std::move(result_); }

private:
    void put(std::string_view name, std::string_view value) {
        const std::size_t size = name.size() + value.size() + 2;
        if (size > kLongest || used_ + size > kMost || value.find('\0') != std::string_view::npos) {
            result_.left_out.emplace_back(name);
            return;
        }
        used_ += size;
        result_.variables.push_back(fmt::format("{}={}", name, value));
    }

    MessageEnvironment result_;
    std::set<std::string, std::less<>> names_;
    std::size_t used_ = 0;
};

std::string as_json(std::span<const messaging::HeaderView> headers) {
    std::string text = "{";
    for (const messaging::HeaderView& header : headers) {
        if (text.size() > 1) text += ',';
        child::append_json(text, header.name);
        text += ':';
        child::append_json(text, header.value);
    }
    return text + "}";
}

}  // namespace

MessageEnvironment environment_of(const messaging::Delivery& delivery, std::uint32_t attempt,
                                  std::optional<SystemTime> deadline) {
    Builder all;
    all.add("ROCOCO_MESSAGE_ID", delivery.id);
    all.add("ROCOCO_ATTEMPT", attempt);
    all.add("ROCOCO_QUEUE", delivery.queue);
    all.add("ROCOCO_CORRELATION_ID", delivery.correlation_id);
    all.add("ROCOCO_CONTENT_TYPE", delivery.content_type);
    all.add("ROCOCO_SENT_AT", delivery.sent_at);
    all.add("ROCOCO_DEADLINE", deadline.value_or(SystemTime()));
    all.add("ROCOCO_HEADERS", as_json(delivery.headers));
    for (const messaging::HeaderView& header : delivery.headers) all.add(header);
    return all.take();
}

MessageEnvironment environment_of_run(SystemTime scheduled_at, std::uint32_t attempt,
                                      std::optional<SystemTime> deadline) {
    Builder all;
    all.add("ROCOCO_SCHEDULED_AT", scheduled_at);
    all.add("ROCOCO_ATTEMPT", attempt);
    all.add("ROCOCO_DEADLINE", deadline.value_or(SystemTime()));
    return all.take();
}

void forget_messages_of_others() {
    std::vector<std::string> names;
    for (char** one = environ; *one != nullptr; ++one) {
        const std::string_view variable(*one);
        const std::string_view name = variable.substr(0, variable.find('='));
        if (name.starts_with(kHeaderPrefix) || std::ranges::find(kNames, name) != kNames.end())
            names.emplace_back(name);
    }
    for (const std::string& name : names) ::unsetenv(name.c_str());
}

}  // namespace rococo::svchost::command
