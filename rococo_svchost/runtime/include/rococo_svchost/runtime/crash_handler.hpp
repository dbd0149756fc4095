// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo_svchost/runtime/crash_notes.hpp"

namespace rococo::svchost {

/// Says of what the process dies, for as long as it lives: where a thread crashes (SIGSEGV, SIGBUS,
/// SIGFPE, SIGILL, SIGABRT; an exception that nobody catches is the last), standard error gets a
/// line and a stack, and the notes learn which worker it was. The process then dies by the same
/// signal, through whatever handler there was before: cores and sanitizers lose nothing.
///
/// A call of `exit` by the user's code is told in the same way, and ends the process with 70,
/// before anything is destroyed that other threads use.
///
/// **Thread-safety**: one at a time in a process, made and destroyed where no worker runs.
class CrashHandler {
public:
    /// `notes` may be null; they outlive it. `before_death` is called before the process dies, in
    /// a signal handler: to write out the log.
    explicit CrashHandler(CrashNotes* notes, void (*before_death)() = nullptr);
    ~CrashHandler();
    CrashHandler(const CrashHandler&) = delete;
    CrashHandler& operator=(const CrashHandler&) = delete;
};

/// Makes the calling thread that worker for the crash handler, for as long as it lives, and gives
/// it a stack to be told on when it has used up its own.
class CrashableThread {
public:
    static constexpr std::size_t kNoWorker = static_cast<std::size_t>(-1);

    explicit CrashableThread(std::size_t worker = kNoWorker);
    ~CrashableThread();
    CrashableThread(const CrashableThread&) = delete;
    CrashableThread& operator=(const CrashableThread&) = delete;

private:
    void* stack_ = nullptr;
};

}  // namespace rococo::svchost
