// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/admin_server.hpp"

#include <gmock/gmock.h>

#include "admin_fixture.hpp"

namespace rococo::tests {
namespace {

using svchost::AdminServer;
using testing::HasSubstr;

class AdminServerStart : public AdminFixture {
protected:
    [[nodiscard]] Result<std::unique_ptr<AdminServer>> started(svchost::AdminSettings settings) {
        settings.instance = "web1-1";
        return AdminServer::start(std::move(settings), host_, clock_, log_.logger());
    }
};

TEST_F(AdminServerStart, WithoutAPortThereIsOnlyTheSocket) {
    const auto server = started({.state_dir = folder_.path()});
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_EQ((*server)->port(), 0);
    EXPECT_EQ((*server)->socket(), folder_.path() / "run" / "web1-1.sock");
    const RawClient client((*server)->socket());
    client.send(request_bytes("GET", "/livez"));
    EXPECT_EQ(client.response().status, 200);
}

TEST_F(AdminServerStart, AStateFolderThatCannotBeUsedIsAWarning) {
    const auto file = folder_.write("file", "not a folder");
    const auto server = started({.port = 0, .state_dir = file});
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_TRUE((*server)->socket().empty());
    EXPECT_EQ(log_.count("WARNING: There is no socket for svchost's other commands"), 1U);
    const RawClient client((*server)->port());
    client.send(request_bytes("GET", "/livez"));
    EXPECT_EQ(client.response().status, 200);
}

TEST_F(AdminServerStart, ASecondHostOnOnePortDoesNotStart) {
    const auto first = started({.port = 0});
    ASSERT_TRUE(first);
    const auto second = started({.port = (*first)->port()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::configuration);
    EXPECT_THAT(second.error().message, HasSubstr("ADMIN_PORT"));
}

TEST_F(AdminServerStart, TheSocketGoesWithTheServer) {
    std::filesystem::path socket;
    {
        auto server = started({.state_dir = folder_.path()});
        ASSERT_TRUE(server);
        socket = (*server)->socket();
        EXPECT_TRUE(std::filesystem::exists(socket));
    }
    EXPECT_FALSE(std::filesystem::exists(socket));
}

}  // namespace
}  // namespace rococo::tests
