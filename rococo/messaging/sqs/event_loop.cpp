// SPDX-License-Identifier: MIT
#include "event_loop.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

#include "endpoint.hpp"
#include "rococo/base/poll_timeout.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/wake_event.hpp"

namespace rococo::messaging::sqs {
namespace {

using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

/// Enough for every poll, delete and extension that one host has under way.
constexpr long kMaxIdleConnections = 64;
constexpr std::size_t kMaxHeaderBytes = std::size_t{64} * 1024;

/// One exchange under way. Its address is given to libcurl: it never moves.
struct Exchange {
    EventLoop::Id id = 0;
    HttpRequest request;
    EventLoop::Done done;
    HttpAnswer answer;
    EasyHandle easy{nullptr, &curl_easy_cleanup};
    HeaderList headers{nullptr, &curl_slist_free_all};
    std::array<char, CURL_ERROR_SIZE> error_text{};
    std::size_t header_bytes = 0;
    bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    if (exchange.answer.body.size() + size > exchange.request.max_answer_bytes) {
        exchange.too_large = true;
        return 0;  // Ends the transfer.
    }
    exchange.answer.body.append(data, size);
    return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    exchange.header_bytes += size;
    if (exchange.header_bytes > kMaxHeaderBytes) {
        exchange.too_large = true;
        return 0;
    }
    const std::string_view line(data, size);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    exchange.answer.headers.emplace_back(to_lower(line.substr(0, colon)),
                                         trim(line.substr(colon + 1)));
    return size;
}

/// Keeps SIGPIPE from ending the process: OpenSSL writes to sockets that the other side has closed,
/// and libcurl leaves the signal alone where it is told not to touch signals (which it must be
/// told, in a process of many threads).
class WithoutSigpipe {
public:
    WithoutSigpipe() {
        sigemptyset(&sigpipe_);
        sigaddset(&sigpipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    ~WithoutSigpipe() {
        if (sigismember(&before_, SIGPIPE) == 1) return;  // It was blocked: not ours to take.
        const timespec now{};
        while (sigtimedwait(&sigpipe_, nullptr, &now) == SIGPIPE) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    WithoutSigpipe(const WithoutSigpipe&) = delete;
    WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

private:
    sigset_t sigpipe_{};
    sigset_t before_{};
};

void initialise_curl() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg,hicpp-vararg): libcurl's interface.
void prepare(Exchange& exchange) {
    CURL* easy = exchange.easy.get();
    const HttpRequest& request = exchange.request;
    curl_slist* list = curl_slist_append(nullptr, "Expect:");
    for (const auto& [name, value] : request.headers) {
        // libcurl leaves out a header without a value unless it ends in a semicolon.
        const auto line = value.empty() ? name + ";" : fmt::format("{}: {}", name, value);
        list = curl_slist_append(list, line.c_str());
    }
    exchange.headers.reset(list);

    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    if (request.method == "POST") {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    } else if (request.method != "GET") {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "rococo-service-host/1");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!request.ca_bundle.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_bundle.c_str());
    }
    if (request.direct) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // An exchange that ends while a name server does not answer is not waited for: the loop would
    // stand still, and with it extensions and a drain.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.error_text.data());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &exchange);
}

void conclude(Exchange& exchange, CURLcode code) {
    if (code != CURLE_OK) {
        if (exchange.too_large) {
            exchange.answer.failure = fmt::format("the answer is larger than {} bytes",
                                                  exchange.request.max_answer_bytes);
        } else {
            // libcurl quotes a proxy that it cannot use, with its password.
            exchange.answer.failure =
                mask_userinfo(exchange.error_text[0] != '\0' ? exchange.error_text.data()
                                                             : curl_easy_strerror(code));
        }
        exchange.answer.status = 0;
        return;
    }
    long status = 0;
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.answer.status = static_cast<int>(status);
}
// NOLINTEND(cppcoreguidelines-pro-type-vararg,hicpp-vararg)

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key == name) return value;
    }
    return {};
}

struct EventLoop::Impl {
    /// A finished exchange that has not been called back yet.
    struct Answered {
        Id id;
        Done done;
        HttpAnswer answer;
    };
    using MultiHandle = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;

    MultiHandle multi{nullptr, &curl_multi_cleanup};
    // After `multi`: the easy handles must go before it.
    std::unordered_map<Id, std::unique_ptr<Exchange>> exchanges;
    std::vector<EasyHandle> spare;
    std::deque<Answered> answered;
    std::multimap<SteadyTime, std::pair<Id, Task>> timers;
    Id last_id = 0;
    WakeEvent event;
    std::atomic<bool> woken = false;
    std::mutex posted_mutex;
    std::vector<Task> posted;
    std::uint64_t finished = 0;

    EasyHandle take_easy() {
        if (spare.empty()) return {curl_easy_init(), &curl_easy_cleanup};
        auto easy = std::move(spare.back());
        spare.pop_back();
        curl_easy_reset(easy.get());
        return easy;
    }

    void retire(std::unique_ptr<Exchange> exchange) {
        const WithoutSigpipe guard;  // It may close the connection.
        curl_multi_remove_handle(multi.get(), exchange->easy.get());
        if (spare.size() < kMaxIdleConnections) spare.push_back(std::move(exchange->easy));
    }

    /// Takes over what libcurl has finished. Collected first and called back after, since a
    /// callback may start or cancel others.
    void deliver() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            Exchange* exchange = nullptr;
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg,hicpp-vararg)
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
            conclude(*exchange, message->data.result);
            answered.push_back(
                {exchange->id, std::move(exchange->done), std::move(exchange->answer)});
            retire(std::move(exchanges.extract(exchange->id).mapped()));
        }
        while (!answered.empty()) {
            auto next = std::move(answered.front());
            answered.pop_front();
            ++finished;
            next.done(std::move(next.answer));
        }
    }

    /// Returns whether any was due.
    bool run_timers(SteadyTime now) {
        bool ran = false;
        for (; !timers.empty() && timers.begin()->first <= now; ran = true) {
            auto node = timers.extract(timers.begin());
            node.mapped().second();
        }
        return ran;
    }

    void run_posted() {
        std::vector<Task> tasks;
        {
            const std::lock_guard lock(posted_mutex);
            tasks.swap(posted);
        }
        for (const auto& task : tasks) task();
    }
};

EventLoop::EventLoop(const Clock& clock) : clock_(clock), impl_(std::make_unique<Impl>()) {
    initialise_curl();
    impl_->multi.reset(curl_multi_init());
    if (!impl_->multi) throw std::runtime_error("no event loop: out of memory");
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg,hicpp-vararg)
    curl_multi_setopt(impl_->multi.get(), CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
}

EventLoop::~EventLoop() {
    const WithoutSigpipe guard;
    for (auto& [id, exchange] : impl_->exchanges) {
        curl_multi_remove_handle(impl_->multi.get(), exchange->easy.get());
    }
    impl_->exchanges.clear();
    impl_->spare.clear();
    impl_->multi.reset();
}

EventLoop::Id EventLoop::start(HttpRequest request, Done done) {
    auto exchange = std::make_unique<Exchange>();
    exchange->id = ++impl_->last_id;
    exchange->request = std::move(request);
    exchange->done = std::move(done);
    exchange->easy = impl_->take_easy();
    prepare(*exchange);
    curl_multi_add_handle(impl_->multi.get(), exchange->easy.get());
    const Id id = exchange->id;
    impl_->exchanges.emplace(id, std::move(exchange));
    return id;
}

EventLoop::Id EventLoop::at(SteadyTime time, Task task) {
    const Id id = ++impl_->last_id;
    impl_->timers.emplace(time, std::pair(id, std::move(task)));
    return id;
}

void EventLoop::cancel(Id id) {
    if (auto node = impl_->exchanges.extract(id)) {
        impl_->retire(std::move(node.mapped()));
        return;
    }
    std::erase_if(impl_->answered, [id](const auto& answered) { return answered.id == id; });
    std::erase_if(impl_->timers, [id](const auto& timer) { return timer.second.first == id; });
}

bool EventLoop::answering(Id id) const {
    const auto found = impl_->exchanges.find(id);
    return found != impl_->exchanges.end() && !found->second->answer.headers.empty();
}

void EventLoop::turn(SteadyTime deadline) {
    const auto now = clock_.steady_now();
    if (impl_->run_timers(now)) deadline = now;
    if (!impl_->timers.empty()) deadline = std::min(deadline, impl_->timers.begin()->first);
    curl_waitfd extra{impl_->event.fd(), CURL_WAIT_POLLIN, 0};
    // A fresh exchange is due at once in libcurl's own timers: the poll does not sleep on it.
    const int wait_ms = impl_->event.begin_wait() ? poll_timeout(deadline, now) : 0;
    curl_multi_poll(impl_->multi.get(), &extra, 1, wait_ms, nullptr);
    impl_->event.end_wait((extra.revents & CURL_WAIT_POLLIN) != 0);
    static_cast<void>(impl_->event.take());  // `woken` says who asked for it.

    {
        const WithoutSigpipe guard;
        int running = 0;
        curl_multi_perform(impl_->multi.get(), &running);
    }
    impl_->deliver();
    impl_->run_posted();
    impl_->run_timers(clock_.steady_now());
}

void EventLoop::wake() noexcept {
    impl_->woken = true;
    impl_->event.notify();
}

void EventLoop::post(Task task) {
    {
        const std::lock_guard lock(impl_->posted_mutex);
        impl_->posted.push_back(std::move(task));
    }
    impl_->event.notify();
}

bool EventLoop::take_woken() { return impl_->woken.exchange(false); }

std::uint64_t EventLoop::exchanges() const { return impl_->finished; }

}  // namespace rococo::messaging::sqs
