// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/library_service.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using tests::TemporaryFolder;

/// Why a library is refused; the prefix with the path is checked here.
std::string refusal(const std::filesystem::path& path) {
    const auto library = LibraryService::load(path);
    if (library) return "it was loaded";
    EXPECT_EQ(library.error().kind, ErrorKind::service);
    const std::string prefix = "cannot load the service " + path.string() + ": ";
    EXPECT_TRUE(library.error().message.starts_with(prefix)) << library.error().message;
    return library.error().message.substr(prefix.size());
}

TEST(LibraryService, KnowsPackageVersionAndProcessors) {
    const auto library = LibraryService::load(MANY_PROCESSORS);

    ASSERT_TRUE(library) << library.error().message;
    const Service& service = **library;
    EXPECT_EQ(service.path(), MANY_PROCESSORS);
    EXPECT_EQ(service.package(), "many_processors");
    EXPECT_EQ(service.version(), "2.3.4");
    EXPECT_EQ(service.sdk_version(), PROJECT_VERSION);
    ASSERT_EQ(service.processors().size(), 5U);
    const ProcessorInfo& echo = service.processors()[0];
    EXPECT_EQ(echo.type, "EchoServiceProcessor");
    EXPECT_EQ(echo.module, "many_processors.processor");
    EXPECT_EQ(echo.work, Work::messages);
    EXPECT_FALSE(echo.takes_batches);
    EXPECT_EQ(service.processors()[1].work, Work::messages);
    EXPECT_TRUE(service.processors()[1].takes_batches);
    EXPECT_EQ(service.processors()[2].work, Work::schedule);
}

TEST(LibraryService, NamesTheModuleAfterThePathAndTheTypeWithoutNamespaces) {
    const auto library = LibraryService::load(MANY_PROCESSORS);
    ASSERT_TRUE(library);
    const ProcessorInfo& report = (*library)->processors()[4];
    EXPECT_EQ(report.type, "ReportServiceProcessor");
    EXPECT_EQ(report.module, "many_processors.extra.reports");
}

TEST(LibraryService, CanBeLoadedTwice) {
    ASSERT_TRUE(LibraryService::load(THREE_PROCESSORS));
    const auto again = LibraryService::load(THREE_PROCESSORS);
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->processors().size(), 3U);
}

TEST(LibraryService, TwoServicesKeepTheirProcessorsApart) {
    const auto three = LibraryService::load(THREE_PROCESSORS);
    const auto one = LibraryService::load(CRON_HELPER);
    ASSERT_TRUE(three);
    ASSERT_TRUE(one);
    EXPECT_EQ((*three)->processors().size(), 3U);
    EXPECT_EQ((*one)->processors().size(), 1U);
}

TEST(LibraryService, RefusesAFileThatIsNotThere) {
    EXPECT_EQ(refusal("/nowhere/at_all.service.so"), "there is no such file");
}

TEST(LibraryService, RefusesATextFile) {
    const TemporaryFolder folder;
    const std::string expected =
        "it is not a shared library (expected an ELF file, as built by rococo_add_service())";
    EXPECT_EQ(refusal(folder.write("text.service.so", "#!/bin/sh\n")), expected);
    EXPECT_EQ(refusal(folder.write("empty.service.so", "")), expected);
    EXPECT_EQ(refusal(folder.write("short.service.so", "\177EL")), expected);
}

TEST(LibraryService, RefusesAFolder) {
    const TemporaryFolder folder;
    EXPECT_EQ(refusal(folder.path()), "it is not a regular file");
}

TEST(LibraryService, RefusesAFifoWithoutWaitingForAWriter) {
    const TemporaryFolder folder;
    const auto fifo = folder.path() / "fifo.service.so";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(refusal(fifo), "it is not a regular file");
}

TEST(LibraryService, RefusesALibraryThatWasCutOff) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "cut.service.so";
    std::filesystem::copy_file(THREE_PROCESSORS, path);
    // With its headers whole, the loader itself would die of SIGBUS.
    std::filesystem::resize_file(path, 2'000);
    EXPECT_TRUE(refusal(path).starts_with("it is truncated: it has 2000 of at least "))
        << refusal(path);
    std::filesystem::resize_file(path, 100);
    EXPECT_NE(refusal(path), "it was loaded");
}

TEST(ServiceLibrary, RefusesALibraryForAnotherKindOfMachine) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "foreign.service.so";
    std::filesystem::copy_file(THREE_PROCESSORS, path);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(18);             // e_machine
    file.write("\x08\x00", 2);  // MIPS
    file.close();
    EXPECT_EQ(refusal(path), "it was built for another kind of machine: build it on one like this");
}

TEST(ServiceLibrary, RefusesALibraryThatIsNoService) {
    EXPECT_EQ(refusal(NO_DESCRIPTOR),
              "it exports no symbol rococo_service_descriptor: build it with rococo_add_service()");
}

TEST(LibraryService, RefusesAnotherAbiVersionAndSaysWhatWasExpectedAndFound) {
    EXPECT_EQ(refusal(WRONG_ABI),
              "it was built for ABI version 99, and this host expects 1: build it again with the "
              "SDK of this host");
}

TEST(LibraryService, RefusesAServiceWithoutProcessors) {
    EXPECT_EQ(refusal(NO_PROCESSORS),
              "it has no processors: write ROCOCO_PROCESSOR(YourProcessor) in one of its source "
              "files");
}

TEST(LibraryService, TakesARelativePath) {
    const TemporaryFolder folder;
    std::filesystem::copy_file(CRON_HELPER, folder.path() / "relative.service.so");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const auto library = LibraryService::load("relative.service.so");
    std::filesystem::current_path(before);
    EXPECT_TRUE(library) << library.error().message;
}

}  // namespace
}  // namespace rococo::svchost
