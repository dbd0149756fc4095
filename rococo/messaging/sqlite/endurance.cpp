// SPDX-License-Identifier: MIT
#include "endurance.hpp"

#include <algorithm>

#include "rococo/base/counted.hpp"
#include "rococo/base/duration_text.hpp"

namespace rococo::messaging::sqlite {
namespace {

constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{2000};
constexpr std::chrono::minutes kBetweenLines{1};

}  // namespace

void Endurance::failed(const Error& error, std::size_t kept) {
    const auto now = clock_.steady_now();
    if (!failing_since_) {
        failing_since_ = now;
        failures_ = 0;
        pause_ = kFirstPause;
    }
    ++failures_;
    if (now >= tell_at_) {
        logger_.warning(
            "{} Retrying until it works ({} in {}). Until then no messages are taken, and "
            "{} kept",
            error.message, counted(failures_, "failure"),
            format_roughly(std::chrono::floor<std::chrono::seconds>(now - *failing_since_)),
            counted(kept, "verdict") + (kept == 1 ? " is" : " are"));
        tell_at_ = now + kBetweenLines;
        told_ = true;
    }
    try_again_at_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
}

void Endurance::worked(const std::filesystem::path& path) {
    if (!failing_since_) return;
    failing_since_.reset();
    if (told_) logger_.info("The queue file {} can be used again", path.string());
    told_ = false;
}

void Endurance::reset() {
    failing_since_.reset();
    told_ = false;
    try_again_at_ = {};
}

}  // namespace rococo::messaging::sqlite
