// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "fake_host.hpp"
#include "raw_client.hpp"
#include "rococo/base/clock.hpp"
#include "rococo_svchost/admin/admin_server.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::tests {

using Headers = std::map<std::string, std::string>;

/// The request's bytes. `Host` is `localhost` unless the headers say otherwise.
inline std::string request_bytes(const std::string& method, const std::string& target,
                                 const std::string& body = {}, Headers headers = {}) {
    headers.try_emplace("Host", "localhost");
    if (method == "POST") {
        headers.try_emplace("Content-Type", "application/json");
        headers.try_emplace("Content-Length", std::to_string(body.size()));
    }
    std::string bytes = method + " " + target + " HTTP/1.1\r\n";
    // An empty value leaves the header out.
    for (const auto& [name, value] : headers)
        if (!value.empty()) bytes += name + ": " + value + "\r\n";
    return bytes + "\r\n" + body;
}

/// A server over a fake host, on a port and a socket of its own.
class AdminFixture : public testing::Test {
protected:
    void start(svchost::AdminSettings settings = {}) {
        server_.reset();
        settings.port = 0;
        settings.state_dir = folder_.path();
        settings.instance = "web1-4711";
        auto server =
            svchost::AdminServer::start(std::move(settings), host_, clock_, log_.logger());
        if (!server) throw std::runtime_error(server.error().message);
        server_ = *std::move(server);
    }

    /// By TCP, from loopback.
    [[nodiscard]] RawResponse ask(const std::string& method, const std::string& target,
                                  const std::string& body = {}, const Headers& headers = {}) {
        const RawClient client(server_->port());
        client.send(request_bytes(method, target, body, headers));
        return client.response();
    }
    [[nodiscard]] RawResponse ask_by_socket(const std::string& method, const std::string& target,
                                            const std::string& body = {},
                                            const Headers& headers = {}) {
        const RawClient client(server_->socket());
        client.send(request_bytes(method, target, body, headers));
        return client.response();
    }
    /// The document of an answer that must be 200.
    [[nodiscard]] nlohmann::json get(const std::string& what) {
        const RawResponse response = ask("GET", "/api/v1/" + what);
        EXPECT_EQ(response.status, 200) << response.body;
        return nlohmann::json::parse(response.body);
    }
    [[nodiscard]] nlohmann::json post(const std::string& what, const nlohmann::json& body) {
        const RawResponse response = ask("POST", "/api/v1/" + what, body.dump());
        EXPECT_EQ(response.status, 200) << response.body;
        return nlohmann::json::parse(response.body);
    }

    TemporaryFolder folder_;
    RealClock clock_;
    RecordedLog log_;
    FakeHost host_;
    std::unique_ptr<svchost::AdminServer> server_;
};

}  // namespace rococo::tests
