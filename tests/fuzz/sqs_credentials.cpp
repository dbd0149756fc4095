// SPDX-License-Identifier: MIT
// AWS's shared files, and the answers of those who hand out credentials, over any bytes: no crash,
// and credentials are whole or there are none.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "credential_chain.hpp"
#include "rococo/base/clock.hpp"

namespace {

using namespace rococo::messaging::sqs;

void require(bool condition) {
    if (!condition) std::abort();
}

/// A file of that text, as long as it lives.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view text) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
        require(file_ >= 0 &&
                write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    ~MemoryFile() { close(file_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

private:
    int file_;
};

std::string_view next(std::string_view& rest) {
    const auto end = std::min(rest.find('\0'), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const MemoryFile config(next(rest));
    const MemoryFile written(next(rest));
    const bool container = (data[0] & 1U) != 0;
    static const rococo::RealClock clock;
    SourceContext context;
    context.clock = &clock;
    context.region = "eu-central-1";
    context.variables = [&](std::string_view name) -> std::optional<std::string> {
        if (name == "AWS_CONFIG_FILE") return config.path();
        if (name == "AWS_SHARED_CREDENTIALS_FILE") return written.path();
        if (name == "AWS_CONTAINER_CREDENTIALS_FULL_URI" && container) return "http://127.0.0.1/c";
        return std::nullopt;
    };
    context.fetch = [&](const HttpRequest& request) {
        require(!request.url.empty());
        HttpAnswer answer;
        answer.status = (data[0] & 2U) != 0 ? 200 : 403;
        answer.body = rest;
        return answer;
    };
    const auto got = fetch_credentials(context);
    if (got) {
        require(!got->access_key_id.empty() && !got->secret_access_key.empty());
        require(!got->source.empty());
    } else {
        require(!got.error().message.empty());
    }
    return 0;
}
