// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <rococo/service.hpp>

/// Does nothing with a message: what is measured is the host.
class BenchNoopProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message&) override {}
};
ROCOCO_PROCESSOR(BenchNoopProcessor)

/// Notes when each message came, for latencies: a line with its id and the monotonic time in
/// nanoseconds goes to the file that BENCH_JOURNAL names.
class BenchJournalProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    BenchJournalProcessor() {
        const char* path = std::getenv("BENCH_JOURNAL");
        journal_ = std::fopen(path != nullptr ? path : "/dev/null", "a");
    }

    void process(const rococo::messaging::Message& message) override {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        std::fprintf(journal_, "%.*s %lld\n", static_cast<int>(message.id().size()),
                     message.id().data(),
                     static_cast<long long>(
                         std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
        std::fflush(journal_);
    }

private:
    std::FILE* journal_;
};
ROCOCO_PROCESSOR(BenchJournalProcessor)
