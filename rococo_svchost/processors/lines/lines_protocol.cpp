// SPDX-License-Identifier: MIT
#include "lines_protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "json_text.hpp"
#include "rococo/base/base64.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost::lines {

namespace {

using programs::Json;

void append_member(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    child::append_json(out, value);
}

void append_begin(std::string& out, std::uint64_t number, std::uint32_t attempt) {
    fmt::format_to(std::back_inserter(out), R"({{"id":{},"attempt":{})", number, attempt);
}

void append_headers(std::string& out, std::span<const messaging::HeaderView> headers) {
    out += R"(,"headers":{)";
    bool first = true;
    for (const messaging::HeaderView& header : headers) {
        if (!std::exchange(first, false)) out += ',';
        child::append_json(out, header.name);
        out += ':';
        child::append_json(out, header.value);
    }
    out += '}';
}

/// Our reader takes a NUL for the end of the text, and skips a byte order mark; others do not.
bool is_plain_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && !text.starts_with("\xEF\xBB\xBF");
}

/// JSON as it came, but in one line: line breaks are blanks there, as texts cannot hold them.
void append_body(std::string& out, std::string_view body) {
    const bool is_json = is_plain_text(body) && Json::accept(body);
    if (!is_json) {
        out += R"(,"body_base64":")" + base64_encode(body) + '"';
        return;
    }
    out += R"(,"body":)";
    const std::size_t begin = out.size();
    out += body;
    const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_break, ' ');
}

/// `{"id":7}`, which is nearly all that programs say, without a reader of JSON.
std::optional<std::uint64_t> read_plain_answer(std::string_view line) {
    constexpr std::string_view kBegin = R"({"id":)";
    if (!line.starts_with(kBegin) || !line.ends_with('}')) return std::nullopt;
    return parse_number<std::uint64_t>(line.substr(kBegin.size(), line.size() - kBegin.size() - 1));
}

std::optional<std::uint64_t> number_in(const Json& value) {
    if (!value.is_number_unsigned()) return std::nullopt;
    return value.get<std::uint64_t>();
}

std::string text_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return "";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

/// What a message's answer says became of it; an outcome that there is not is a failure.
Outcome outcome_in(const Json& object) {
    const std::string name = text_in(object, "outcome");
    Outcome outcome{.error = text_in(object, "error")};
    if (name.empty() || name == "ok") return {};
    if (name == "dead-letter") {
        outcome.kind = Outcome::Kind::permanent;
        return outcome;
    }
    outcome.kind = Outcome::Kind::failed;
    const std::string after = text_in(object, "after");
    if (name != "retry") {
        outcome.error = fmt::format(
            "the program answered with an outcome '{}': there are ok, retry and dead-letter",
            printable(name));
    } else if (const auto delay = read_duration(after); delay) {
        outcome.kind = Outcome::Kind::retry_after;
        outcome.delay = *delay;
    } else if (!after.empty()) {
        outcome.error = fmt::format("{} (it was to come again after '{}', which is no duration)",
                                    outcome.error, printable(after));
    }
    return outcome;
}

Line read_ready(const Json& value) {
    const auto number = [&](const char* name) {
        const bool there = value.is_object() && value.contains(name);
        return there ? number_in(value.at(name)) : std::nullopt;
    };
    if (const auto protocol = number("protocol"); protocol != std::uint64_t{kProtocol})
        return Mistake{fmt::format("it speaks protocol {}, and this host {}: its line was {}",
                                   protocol ? std::to_string(*protocol) : "unknown", kProtocol,
                                   printable(value.dump())),
                       true};
    const auto parallel = std::clamp<std::size_t>(number("parallel").value_or(1), 1, kMostInWindow);
    const auto window = number("window").value_or(parallel);
    return Ready{std::clamp(window, parallel, kMostInWindow), parallel};
}

Line read_send(const Json& value) {
    if (!value.is_object()) return Mistake{R"("send" is no object)"};
    Json object = value;
    Json ref;
    if (const auto found = object.find("ref"); found != object.end()) {
        ref = *found;
        object.erase(found);
    }
    return Send{std::move(ref), programs::read_outgoing(object)};
}

Line read_object(const Json& object) {
    if (const auto id = object.find("id"); id != object.end()) {
        if (const auto number = number_in(*id)) return Answered{*number, outcome_in(object)};
        return Mistake{fmt::format("there is no message {}", printable(id->dump()))};
    }
    if (const auto begun = object.find("begun"); begun != object.end()) {
        if (const auto number = number_in(*begun)) return Begun{*number};
        return Mistake{fmt::format("there is no message {}", printable(begun->dump()))};
    }
    if (const auto ready = object.find("ready"); ready != object.end()) return read_ready(*ready);
    if (const auto send = object.find("send"); send != object.end()) return read_send(*send);
    if (object.contains("log")) {
        std::string level = to_upper(text_in(object, "level"));
        return Log{text_in(object, "log"), level.empty() ? "INFO" : std::move(level)};
    }
    return Text{};
}

}  // namespace

void append_message(std::string& out, std::uint64_t number, const messaging::Delivery& delivery,
                    std::uint32_t attempt) {
    append_begin(out, number, attempt);
    append_member(out, "message_id", delivery.id);
    append_member(out, "queue", delivery.queue);
    append_member(out, "correlation_id", delivery.correlation_id);
    append_member(out, "content_type", delivery.content_type);
    if (delivery.sent_at != SystemTime())
        append_member(out, "sent_at", format_utc(delivery.sent_at));
    append_headers(out, delivery.headers);
    append_body(out, delivery.body);
    out += "}\n";
}

void append_run(std::string& out, std::uint64_t number, SystemTime scheduled_at,
                std::uint32_t attempt) {
    append_begin(out, number, attempt);
    append_member(out, "scheduled_at", format_utc(scheduled_at));
    out += "}\n";
}

void append_sent(std::string& out, const Json& ref, const Result<void>& result) {
    out += result ? R"({"sent":)" : R"({"not_sent":)";
    out += ref.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (!result) append_member(out, "error", result.error().message);
    out += "}\n";
}

Line read_line(std::string_view line) {
    line = trim(line);
    if (const auto number = read_plain_answer(line)) return Answered{*number, {}};
    if (!line.starts_with('{') || !is_plain_text(line)) return Text{};
    const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    return object.is_object() ? read_object(object) : Line(Text{});
}

}  // namespace rococo::svchost::lines
