// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rococo::messaging::sqs {

struct StubRequest {
    std::string method;
    std::string path;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
};

struct StubAnswer {
    int status = 200;
    std::string body;
    std::string content_type = "application/x-amz-json-1.0";
    std::vector<std::pair<std::string, std::string>> headers{};
    bool endless = false;  ///< `body` again and again, until the client has enough.
    bool cut_off = false;  ///< The connection closes after half of `body`.
    bool drip = false;     ///< Byte by byte, each in a packet of its own.
};

/// An HTTP server on a free port of the loopback that answers as the test says.
///
/// **Thread-safety**: the handler is called by several threads at once.
class StubServer {
public:
    using Handler = std::function<StubAnswer(const StubRequest&)>;

    explicit StubServer(Handler handler);
    ~StubServer();
    StubServer(const StubServer&) = delete;
    StubServer& operator=(const StubServer&) = delete;

    [[nodiscard]] std::string url() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging::sqs
