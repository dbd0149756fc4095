// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "rococo_svchost/processors/library_service.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

namespace fs = std::filesystem;

class ServiceSearch : public testing::Test {
protected:
    fs::path library(const std::string& name, std::chrono::hours age = {}) {
        fs::path path = folder_.write(name, "only its name matters here");
        fs::last_write_time(path, fs::file_time_type::clock::now() - age);
        return path;
    }
    [[nodiscard]] Result<fs::path> find(std::string_view module = "") const {
        return find_service_library(folder_.path(), "", module);
    }
    [[nodiscard]] fs::path found(std::string_view module = "") const {
        const auto result = find(module);
        EXPECT_TRUE(result) << result.error().message;
        return result ? *result : fs::path();
    }

    tests::TemporaryFolder folder_;
};

using std::chrono::hours;

TEST_F(ServiceSearch, TakesTheLibraryThatItIsGiven) {
    library("other.service.so");
    EXPECT_EQ(*find_service_library(folder_.path(), "/given.so", ""), "/given.so");
}

TEST_F(ServiceSearch, LooksIntoTheFolderItself) {
    const auto path = library("shop.service.so");
    EXPECT_EQ(found(), path);
}

TEST_F(ServiceSearch, LooksIntoBuildFolders) {
    const auto path = library("build/shop.service.so");
    EXPECT_EQ(found(), path);
}

TEST_F(ServiceSearch, LooksIntoTheBuildFoldersOfPresets) {
    const auto path = library("build/release/shop.service.so");
    EXPECT_EQ(found(), path);
}

TEST_F(ServiceSearch, OfSeveralBuildsTakesTheNewest) {
    library("build/debug/shop.service.so", hours(2));
    const auto newest = library("build/release/shop.service.so", hours(1));
    library("shop.service.so", hours(3));
    EXPECT_EQ(found(), newest);
}

TEST_F(ServiceSearch, OfSeveralPackagesTakesTheModules) {
    library("shop.service.so");
    const auto mail = library("build/mail.service.so");
    EXPECT_EQ(found("mail.processor"), mail);
    EXPECT_EQ(found("mail"), mail);
}

TEST_F(ServiceSearch, OfSeveralPackagesWithoutAModuleTakesNoneAndSaysHowToChoose) {
    library("shop.service.so");
    library("build/mail.service.so");
    for (const char* module : {"", "bakery.processor"}) {
        const auto result = find(module);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, ErrorKind::service);
        EXPECT_EQ(result.error().message,
                  "several services found in " + fs::canonical(folder_.path()).string() +
                      ": mail, shop. Choose one with PROCESSOR_MODULE=mail.processor, or with "
                      "SERVICE_LIBRARY" +
                      (*module == '\0' ? std::string()
                                       : "; PROCESSOR_MODULE=bakery.processor is of none of them"));
    }
}

TEST_F(ServiceSearch, IgnoresOtherFiles) {
    library("libshop.so");
    library("build/shop.service.so.bak");
    library("src/shop.service.so");
    EXPECT_FALSE(find());
}

TEST_F(ServiceSearch, SaysWhereItLookedAndWhatToDo) {
    const auto result = find();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::service);
    EXPECT_EQ(result.error().message,
              "no service found: looked for *.service.so in " +
                  fs::canonical(folder_.path()).string() +
                  ", its build folders, and /usr/local/lib/rococo/services. Build the service "
                  "(cmake -B build && cmake --build build), name its folder (svchost run DIR), or "
                  "set SERVICE_LIBRARY");
}

TEST_F(ServiceSearch, AFolderThatIsNotThereHoldsNothing) {
    EXPECT_FALSE(find_service_library(folder_.path() / "absent", "", ""));
}

}  // namespace
}  // namespace rococo::svchost
