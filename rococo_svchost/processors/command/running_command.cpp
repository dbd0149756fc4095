// SPDX-License-Identifier: MIT
#include "running_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "pipes.hpp"
#include "rococo/base/poll_timeout.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost::command {

namespace {

constexpr std::size_t kLastWords = 4096;

/// The standard input: a file in memory, so that a program that does not read it blocks nobody. Not
/// open, with the reason in `errno`, if there is none.
FileDescriptor input_of(std::optional<std::string_view> body) {
    if (!body) return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    FileDescriptor file(::memfd_create("rococo-body", MFD_CLOEXEC));
    if (!file.is_open() || !write_all(file, *body)) return {};
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

}  // namespace

Result<std::unique_ptr<RunningCommand>> RunningCommand::start(const child::ChildCommand& command,
                                                              std::optional<std::string_view> body,
                                                              OutputOwner owner, ChildLog& log) {
    const auto refuse = [&] {
        return failure(ErrorKind::service, fmt::format("cannot start {}: {}", command.path,
                                                       std::generic_category().message(errno)));
    };
    const FileDescriptor input = input_of(body);
    if (!input.is_open()) return refuse();
    auto output = child::pipe_from_them();
    auto errors = child::pipe_from_them();
    if (!output || !errors) return refuse();
    std::unique_ptr<RunningCommand> running(new RunningCommand(
        std::move(output->ours), std::move(errors->ours), std::move(owner), log));
    if (running->outbox_.descriptor() < 0) return refuse();
    const std::array<int, 4> theirs{input.get(), output->theirs.get(), errors->theirs.get(),
                                    running->outbox_.descriptor()};
    ROCOCO_ASSIGN_OR_RETURN(running->process_,
                            child::ChildProcess::start(command, theirs, child::EndsWith::thread));
    return running;
}

RunningCommand::RunningCommand(FileDescriptor output, FileDescriptor errors, OutputOwner owner,
                               ChildLog& log)
    : owner_(std::move(owner)),
      log_(log),
      output_descriptor_(std::move(output)),
      errors_descriptor_(std::move(errors)),
      output_(output_descriptor_.get()),
      errors_(errors_descriptor_.get()) {}

std::optional<child::ChildEnd> RunningCommand::end() {
    const auto end = process_->how_it_ended();  // before its last words are read
    pump();
    if (!end) return std::nullopt;
    output_.finish([this](std::string_view line) { take_output(line); });
    errors_.finish([this](std::string_view line) { take_error(line); });
    return end;
}

void RunningCommand::pump() {
    output_.read([this](std::string_view line) { take_output(line); });
    errors_.read([this](std::string_view line) { take_error(line); });
}

void RunningCommand::take_output(std::string_view line) { pass_on("INFO", line); }

void RunningCommand::take_error(std::string_view line) {
    pass_on("WARNING", line);
    last_words_ += line;
    last_words_ += '\n';
    if (last_words_.size() > 2 * kLastWords) last_words_.erase(0, last_words_.size() - kLastWords);
}

void RunningCommand::pass_on(std::string_view level, std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string text =
        owner_.message.empty() ? std::string(line) : fmt::format("{} ({})", line, owner_.message);
    log_.log(level, owner_.program, ++lines_, text);
}

void RunningCommand::wait(SteadyTime until) {
    std::array<pollfd, 3> watched{{{output_.is_open() ? output_.descriptor() : -1, POLLIN, 0},
                                   {errors_.is_open() ? errors_.descriptor() : -1, POLLIN, 0},
                                   {process_->ended_descriptor(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), poll_timeout(until, std::chrono::steady_clock::now()));
}

std::string_view RunningCommand::last_words() const { return trim(last_words_); }

}  // namespace rococo::svchost::command
