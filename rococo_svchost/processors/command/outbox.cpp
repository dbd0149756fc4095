// SPDX-License-Identifier: MIT
#include "outbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost::command {

namespace {

using programs::Json;

constexpr std::size_t kMost = std::size_t{64} << 20U;

tl::unexpected<Error> refuse(std::string_view why) {
    return failure(ErrorKind::service, std::string(why));
}

Result<std::chrono::microseconds> read_delay(const Json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const auto delay = read_duration(text);
    if (!delay) return refuse(R"("retry_after" is no duration such as "30s")");
    return *delay;
}

/// Takes in what one line says.
Result<void> read_line(std::string_view line, OutboxContents& contents) {
    const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object() || object.size() != 1)
        return refuse(R"(it is neither {"send":{…}} nor {"retry_after":"30s"})");
    const std::string& name = object.begin().key();
    const Json& value = object.front();
    if (name == "send") {
        ROCOCO_ASSIGN_OR_RETURN(auto outgoing, programs::read_outgoing(value));
        contents.messages.push_back(std::move(outgoing));
        return {};
    }
    if (name != "retry_after")
        return refuse(R"(it is neither {"send":{…}} nor {"retry_after":"30s"})");
    ROCOCO_ASSIGN_OR_RETURN(contents.retry_after, read_delay(value));
    return {};
}

}  // namespace

Result<OutboxContents> read_outbox(std::string_view text) {
    OutboxContents contents;
    std::size_t number = 0;
    for (const std::string_view line : split(text, '\n')) {
        ++number;
        if (trim(line).empty()) continue;
        if (const auto read = read_line(line, contents); !read)
            return refuse(fmt::format("line {} of descriptor 3: {}", number, read.error().message));
    }
    return contents;
}

Outbox::Outbox() : file_(::memfd_create("rococo-outbox", MFD_CLOEXEC)) {
    // So that several processes of the program may write to it, by whatever descriptors they have.
    ::fcntl(file_.get(), F_SETFL, O_APPEND);
}

Result<OutboxContents> Outbox::contents() const {
    struct stat about {};
    if (::fstat(file_.get(), &about) != 0 || about.st_size == 0) return OutboxContents{};
    const auto size = static_cast<std::size_t>(about.st_size);
    if (size > kMost) return refuse("it wrote more than 64 MiB to descriptor 3");
    std::string text(size, '\0');
    const ssize_t got = ::pread(file_.get(), text.data(), size, 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return read_outbox(text);
}

}  // namespace rococo::svchost::command
