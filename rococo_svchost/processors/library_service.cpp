// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/library_service.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <span>
#include <system_error>

#include "rococo/base/try.hpp"

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> refuse(const fs::path& path, std::string_view problem) {
    return failure(ErrorKind::service,
                   fmt::format("cannot load the service {}: {}", path.string(), problem));
}

/// The size that an ELF file needs to contain all its segments; 0 if unknown (another word size,
/// truncated headers), which dlopen reports properly.
std::uint64_t needed_bytes(std::ifstream& file) {
    ElfW(Ehdr) header{};
    file.seekg(0);
    if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return 0;
    if (header.e_phentsize != sizeof(ElfW(Phdr))) return 0;
    file.seekg(static_cast<std::streamoff>(header.e_phoff));
    std::uint64_t needed = 0;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment{};
        if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return 0;
        if (segment.p_type == PT_LOAD) {
            needed = std::max<std::uint64_t>(needed, segment.p_offset + segment.p_filesz);
        }
    }
    return needed;
}

/// What an ELF header says of the machine: word size, byte order, processor. Zeros if unreadable.
std::array<char, 4> machine_of(const fs::path& path) {
    std::array<char, 20> header{};
    std::ifstream(path, std::ios::binary).read(header.data(), header.size());
    return {header[EI_CLASS], header[EI_DATA], header[18], header[19]};
}

/// Checks first what dlopen would report with unhelpful messages, such as a text file or folder.
Result<void> check_is_library(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) return refuse(path, "there is no such file");
    if (status.type() != fs::file_type::regular) return refuse(path, "it is not a regular file");
    std::array<char, 4> magic{};
    std::ifstream file(path, std::ios::binary);
    if (!file) return refuse(path, "it cannot be read");
    file.read(magic.data(), magic.size());
    if (std::string_view(magic.data(), magic.size()) != "\177ELF") {
        return refuse(path,
                      "it is not a shared library (expected an ELF file, as built by "
                      "rococo_add_service())");
    }
    if (machine_of(path) != machine_of("/proc/self/exe"))
        return refuse(path, "it was built for another kind of machine: build it on one like this");
    // The loader maps segments without checking the file's size, and crashes on missing parts.
    const std::uint64_t needed = needed_bytes(file);
    if (const auto size = fs::file_size(path, error); !error && size < needed) {
        return refuse(path,
                      fmt::format("it is truncated: it has {} of at least {} bytes", size, needed));
    }
    return {};
}

Result<void> check_descriptor(const fs::path& path, const rococo_service* service) {
    if (service == nullptr) return refuse(path, "its descriptor is null");
    if (service->abi_version != ROCOCO_ABI_VERSION) {
        return refuse(path,
                      fmt::format("it was built for ABI version {}, and this host expects {}: "
                                  "build it again with the SDK of this host",
                                  service->abi_version, ROCOCO_ABI_VERSION));
    }
    if (service->struct_size < sizeof(rococo_service)) {
        return refuse(path, fmt::format("its descriptor has {} bytes, expected at least {}",
                                        service->struct_size, sizeof(rococo_service)));
    }
    if (service->processor_count == 0) {
        return refuse(path,
                      "it has no processors: write ROCOCO_PROCESSOR(YourProcessor) in one of "
                      "its source files");
    }
    for (std::size_t i = 0; i < service->processor_count; ++i) {
        const rococo_processor* processor = service->processors[i];
        if (processor == nullptr || processor->struct_size < sizeof(rococo_processor) ||
            processor->kind < ROCOCO_MESSAGES || processor->kind > ROCOCO_CRON) {
            return refuse(path, fmt::format("its processor number {} is malformed", i + 1));
        }
    }
    return {};
}

}  // namespace

LibraryService::LibraryService(fs::path path, const rococo_service& descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {
    processors_.reserve(descriptor.processor_count);
    for (const rococo_processor* one :
         std::span(descriptor.processors, descriptor.processor_count)) {
        processors_.push_back({.type = one->type,
                               .module = one->module,
                               .work = one->kind == ROCOCO_CRON ? Work::schedule : Work::messages,
                               .takes_batches = one->kind == ROCOCO_BATCHES});
    }
}

Result<std::unique_ptr<LibraryService>> LibraryService::load(const fs::path& path) {
    ROCOCO_TRY(check_is_library(path));
    // dlopen would search the system's folders for a name without a slash.
    std::error_code error;
    const fs::path absolute = fs::absolute(path, error);
    void* handle = ::dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        std::string_view problem = ::dlerror();
        const std::string prefix = absolute.string() + ": ";  // the message has it already
        if (problem.starts_with(prefix)) problem.remove_prefix(prefix.size());
        return refuse(path, problem);
    }

    const auto describe = reinterpret_cast<rococo_service_descriptor_function>(
        ::dlsym(handle, ROCOCO_SERVICE_DESCRIPTOR));
    if (describe == nullptr) {
        return refuse(path, "it exports no symbol " ROCOCO_SERVICE_DESCRIPTOR
                            ": build it with rococo_add_service()");
    }
    const rococo_service* service = describe();
    ROCOCO_TRY(check_descriptor(path, service));
    return std::make_unique<LibraryService>(path, *service);
}

}  // namespace rococo::svchost
