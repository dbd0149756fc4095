// SPDX-License-Identifier: MIT
#include "crash_file.hpp"

#include <unistd.h>

#include <cstring>
#include <string>

#include "rococo_svchost/runtime/work_page.hpp"

namespace rococo::svchost {

namespace {

template <typename T>
bool read_at(int descriptor, std::size_t at, T& value) {
    return ::pread(descriptor, static_cast<void*>(&value), sizeof value, static_cast<off_t>(at)) ==
           static_cast<ssize_t>(sizeof value);
}

DeadHost read_version_1_0_0(int descriptor) {
    DeadHost dead;
    std::uint64_t identity = 0;
    for (std::size_t at = 0; read_at(descriptor, at, identity); at += sizeof identity) {
        // Which worker had it cannot be told without knowing the size of its batches.
        if (identity != 0) dead.notes.push_back({.identity = identity});
    }
    return dead;
}

}  // namespace

DeadHost read_crash_file(int descriptor) {
    CrashFileHeader header;
    if (!read_at(descriptor, 0, header) || header.magic != CrashFileHeader::kMagic) {
        return read_version_1_0_0(descriptor);
    }
    DeadHost dead;
    dead.pid = header.pid;
    dead.workers = header.workers;
    dead.ending_on_purpose = header.ending_on_purpose != 0;
    if (header.blamed != 0) dead.blamed = header.blamed - 1;
    dead.signal = header.signal;
    CrashFileNote note;
    for (std::size_t i = 0; read_at(descriptor, sizeof header + i * sizeof note, note); ++i) {
        if (note.identity == 0) continue;
        dead.notes.push_back(
            {.worker = header.max_batch == 0 ? 0 : i / header.max_batch,
             .place = header.max_batch == 0 ? 0 : i % header.max_batch,
             .identity = note.identity,
             .attempt = header.version < 2 ? 0 : note.attempt,
             .name = std::string(note.name.data(), ::strnlen(note.name.data(), note.name.size()))});
    }
    return dead;
}

std::optional<ChildsWork> read_work_page(int page) {
    // As the words lie in the file: see WorkPage.
    std::array<std::uint64_t, sizeof(WorkPage) / sizeof(std::uint64_t)> words{};
    if (!read_at(page, 0, words)) return std::nullopt;
    return ChildsWork{.first = words[offsetof(WorkPage, first) / sizeof(std::uint64_t)],
                      .begun = words[offsetof(WorkPage, begun) / sizeof(std::uint64_t)],
                      .done = words[offsetof(WorkPage, done) / sizeof(std::uint64_t)]};
}

}  // namespace rococo::svchost
