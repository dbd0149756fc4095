// SPDX-License-Identifier: MIT
// Where there is no libFuzzer: `fuzz_x CORPUS [RUNS]` runs a fuzz target over each file of a
// folder, then over so many mutations of them, the same ones each time. A failure aborts, with the
// input written to the standard error output.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// There with a sanitizer only, which then handles the signals itself.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());  // NOLINT

namespace {

constexpr std::size_t kMostBytes = 4096;

std::string current;

/// Allocates nothing: the heap may be what is broken.
void show_input() {
    std::fputs("the input, in hexadecimal: ", stderr);
    for (const char byte : current) std::fprintf(stderr, "%02x", static_cast<unsigned char>(byte));
    std::fputc('\n', stderr);
}

void die_of(int signal) {
    show_input();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(const std::string& input) {
    current = input;
    // A block of just this size, so that AddressSanitizer sees a read beyond it; never null, as in
    // libFuzzer.
    const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[input.size()]);
    std::ranges::copy(input, bytes.get());
    LLVMFuzzerTestOneInput(bytes.get(), input.size());
}

class Mutator {
public:
    explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

    std::string next() {
        std::string input = corpus_.empty() ? std::string() : corpus_[below(corpus_.size())];
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(input);
        if (input.size() > kMostBytes) input.resize(kMostBytes);
        return input;
    }

private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
    char any_byte() {
        constexpr char kTelling[] = {'\0', '\x01', '\x7f', '\x80', '\xff',
                                     ' ',  '\n',   '%',    ':',    '/'};
        return below(2) == 0 ? kTelling[below(sizeof kTelling)] : static_cast<char>(below(256));
    }
    void change(std::string& input) {
        const auto at = below(input.size());
        switch (below(6)) {
            case 0:
                if (!input.empty()) input[at] = any_byte();
                break;
            case 1:
                if (!input.empty())
                    input[at] = static_cast<char>(input[at] ^ static_cast<char>(1U << below(8)));
                break;
            case 2:
                input.insert(at, 1 + below(8), any_byte());
                break;
            case 3:
                input.erase(at, 1 + below(8));
                break;
            case 4:
                input.resize(at);
                break;
            default:
                if (!corpus_.empty()) {
                    const auto& other = corpus_[below(corpus_.size())];
                    const auto from = below(other.size());
                    input.insert(at, other.substr(from, below(other.size() - from) + 1));
                }
        }
    }

    const std::vector<std::string>& corpus_;
    std::mt19937_64 random_{20261124};  // NOLINT(cert-msc51-cpp): the same each time, on purpose.
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: fuzz_x CORPUS [RUNS]\n", stderr);
        return 64;
    }
    if (&__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(show_input);
        std::signal(SIGABRT, die_of);
    } else {
        for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL})
            std::signal(signal, die_of);
    }
    if (!std::filesystem::is_directory(argv[1])) {
        std::fprintf(stderr, "there is no corpus %s\n", argv[1]);
        return 1;
    }
    std::vector<std::string> corpus;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    // The order of a folder is the file system's.
    std::ranges::sort(corpus);
    run({});
    for (const auto& input : corpus) run(input);
    Mutator mutator(corpus);
    const int runs = argc > 2 ? std::atoi(argv[2]) : 0;
    for (int i = 0; i < runs; ++i) run(mutator.next());
    std::printf("%zu inputs of the corpus and %d mutations\n", corpus.size(), runs);
    return corpus.empty() ? 1 : 0;
}
