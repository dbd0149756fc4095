// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/service_library.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using tests::TemporaryFolder;

/// Why a library is refused; the prefix with the path is checked here.
std::string refusal(const std::filesystem::path& path) {
    const auto library = ServiceLibrary::load(path);
    if (library) return "it was loaded";
    EXPECT_EQ(library.error().kind, ErrorKind::service);
    const std::string prefix = "cannot load the service " + path.string() + ": ";
    EXPECT_TRUE(library.error().message.starts_with(prefix)) << library.error().message;
    return library.error().message.substr(prefix.size());
}

TEST(ServiceLibrary, KnowsPackageVersionAndProcessors) {
    const auto library = ServiceLibrary::load(MANY_PROCESSORS);

    ASSERT_TRUE(library) << library.error().message;
    EXPECT_EQ(library->path(), MANY_PROCESSORS);
    EXPECT_EQ(library->package(), "many_processors");
    EXPECT_EQ(library->version(), "2.3.4");
    ASSERT_EQ(library->processors().size(), 5U);
    const rococo_processor& echo = *library->processors()[0];
    EXPECT_STREQ(echo.type, "EchoServiceProcessor");
    EXPECT_STREQ(echo.module, "many_processors.processor");
    EXPECT_EQ(echo.kind, ROCOCO_MESSAGES);
    EXPECT_EQ(library->processors()[1]->kind, ROCOCO_BATCHES);
    EXPECT_EQ(library->processors()[2]->kind, ROCOCO_CRON);
}

TEST(ServiceLibrary, NamesTheModuleAfterThePathAndTheTypeWithoutNamespaces) {
    const auto library = ServiceLibrary::load(MANY_PROCESSORS);
    ASSERT_TRUE(library);
    const rococo_processor& report = *library->processors()[4];
    EXPECT_STREQ(report.type, "ReportServiceProcessor");
    EXPECT_STREQ(report.module, "many_processors.extra.reports");
}

TEST(ServiceLibrary, CanBeLoadedTwice) {
    ASSERT_TRUE(ServiceLibrary::load(THREE_PROCESSORS));
    const auto again = ServiceLibrary::load(THREE_PROCESSORS);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->processors().size(), 3U);
}

TEST(ServiceLibrary, TwoServicesKeepTheirProcessorsApart) {
    const auto three = ServiceLibrary::load(THREE_PROCESSORS);
    const auto one = ServiceLibrary::load(CRON_HELPER);
    ASSERT_TRUE(three);
    ASSERT_TRUE(one);
    EXPECT_EQ(three->processors().size(), 3U);
    EXPECT_EQ(one->processors().size(), 1U);
}

TEST(ServiceLibrary, RefusesAFileThatIsNotThere) {
    EXPECT_EQ(refusal("/nowhere/at_all.service.so"), "there is no such file");
}

TEST(ServiceLibrary, RefusesATextFile) {
    const TemporaryFolder folder;
    const std::string expected =
        "it is not a shared library (expected an ELF file, as built by rococo_add_service())";
    EXPECT_EQ(refusal(folder.write("text.service.so", "#!/bin/sh\n")), expected);
    EXPECT_EQ(refusal(folder.write("empty.service.so", "")), expected);
    EXPECT_EQ(refusal(folder.write("short.service.so", "\177EL")), expected);
}

TEST(ServiceLibrary, RefusesAFolder) {
    const TemporaryFolder folder;
    EXPECT_EQ(refusal(folder.path()), "it is not a regular file");
}

TEST(ServiceLibrary, RefusesAFifoWithoutWaitingForAWriter) {
    const TemporaryFolder folder;
    const auto fifo = folder.path() / "fifo.service.so";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(refusal(fifo), "it is not a regular file");
}

TEST(ServiceLibrary, RefusesALibraryThatWasCutOff) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "cut.service.so";
    std::filesystem::copy_file(THREE_PROCESSORS, path);
    // With its headers whole, the loader itself would die of SIGBUS.
    std::filesystem::resize_file(path, 2'000);
    EXPECT_TRUE(refusal(path).starts_with("it is cut off: it has 2000 of at least "))
        << refusal(path);
    std::filesystem::resize_file(path, 100);
    EXPECT_NE(refusal(path), "it was loaded");
}

TEST(ServiceLibrary, RefusesALibraryThatIsNoService) {
    EXPECT_EQ(refusal(NO_DESCRIPTOR),
              "it exports no symbol rococo_service_descriptor: build it with rococo_add_service()");
}

TEST(ServiceLibrary, RefusesAnotherAbiVersionAndSaysWhatWasExpectedAndFound) {
    EXPECT_EQ(refusal(WRONG_ABI),
              "it was built for ABI version 99, and this host expects 1: build it again with the "
              "SDK of this host");
}

TEST(ServiceLibrary, RefusesAServiceWithoutProcessors) {
    EXPECT_EQ(refusal(NO_PROCESSORS),
              "it has no processors: write ROCOCO_PROCESSOR(YourProcessor) in one of its source "
              "files");
}

TEST(ServiceLibrary, TakesARelativePath) {
    const TemporaryFolder folder;
    std::filesystem::copy_file(CRON_HELPER, folder.path() / "relative.service.so");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const auto library = ServiceLibrary::load("relative.service.so");
    std::filesystem::current_path(before);
    EXPECT_TRUE(library) << library.error().message;
}

}  // namespace
}  // namespace rococo::svchost
