// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin_client/host_client.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost {

namespace {

using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using MultiHandle = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxErrorBytes = 500;

/// One request under way. libcurl keeps its address, so it never moves.
struct Exchange {
    const HostRequest* request = nullptr;
    std::size_t index = 0;
    HostAnswer answer;
    EasyHandle easy{nullptr, &curl_easy_cleanup};
    HeaderList headers{nullptr, &curl_slist_free_all};
    FileDescriptor folder;  ///< Of a socket whose path is too long for an address.
    std::array<char, CURL_ERROR_SIZE> error_text{};
    std::size_t header_bytes = 0;
    bool too_large = false;
};

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    exchange.too_large = exchange.answer.body.size() + size > exchange.request->max_bytes;
    if (exchange.too_large) return 0;  // ends the transfer
    exchange.answer.body.append(data, size);
    return size;
}

std::size_t on_header(char* /*data*/, std::size_t /*one*/, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    exchange.header_bytes += size;
    exchange.too_large = exchange.header_bytes > kMaxHeaderBytes;
    return exchange.too_large ? 0 : size;
}

/// The socket's path as it fits into an address of 107 bytes: a longer one goes through the
/// descriptor of its folder.
std::string socket_path(Exchange& exchange) {
    const std::filesystem::path& path = exchange.request->address.socket;
    if (path.native().size() < sizeof(sockaddr_un::sun_path)) return path.native();
    exchange.folder =
        FileDescriptor(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return fmt::format("/proc/self/fd/{}/{}", exchange.folder.get(), path.filename().string());
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg,hicpp-vararg): libcurl's interface.
void set_address(Exchange& exchange) {
    CURL* easy = exchange.easy.get();
    const HostRequest& request = *exchange.request;
    const bool by_socket = !request.address.socket.empty();
    const std::string url = (by_socket ? "http://localhost" : request.address.url) + request.target;
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    if (by_socket) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path(exchange).c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

void set_content(Exchange& exchange) {
    CURL* easy = exchange.easy.get();
    const HostRequest& request = *exchange.request;
    curl_slist* list = curl_slist_append(nullptr, "Accept: application/json");
    if (request.json) {
        list = curl_slist_append(list, "Content-Type: application/json");
        list = curl_slist_append(list, "Expect:");
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.json->size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.json->data());
    }
    if (!request.token.empty())
        list = curl_slist_append(list, ("Authorization: Bearer " + request.token).c_str());
    exchange.headers.reset(list);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "svchost");
}

void set_limits(Exchange& exchange) {
    CURL* easy = exchange.easy.get();
    const auto timeout = static_cast<long>(exchange.request->timeout.count());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a slow name server is not waited for
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);  // hosts close connections, too
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.error_text.data());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &exchange);
}

std::string reason_of(const Exchange& exchange, CURLcode code) {
    if (exchange.too_large) {
        return fmt::format("its answer is larger than {} KiB", exchange.request->max_bytes / 1024);
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fmt::format("no answer within {} ms", exchange.request->timeout.count());
    const std::string_view text = exchange.error_text.data();
    return std::string(text.empty() ? curl_easy_strerror(code) : text);
}

Result<HostAnswer> outcome_of(Exchange& exchange, CURLcode code) {
    if (code != CURLE_OK) return failure(ErrorKind::unavailable, reason_of(exchange, code));
    long status = 0;
    const char* type = nullptr;
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_CONTENT_TYPE, &type);
    exchange.answer.status = static_cast<int>(status);
    exchange.answer.content_type = type == nullptr ? "" : type;
    return std::move(exchange.answer);
}

/// The requests of one call of `ask_all`.
class Exchanges {
public:
    Exchanges(const std::vector<HostRequest>& requests, std::size_t at_once)
        : requests_(requests),
          answers_(requests.size(), failure(ErrorKind::unavailable, "not asked")),
          at_once_(std::max<std::size_t>(at_once, 1)) {}
    ~Exchanges() {
        for (const auto& one : under_way_) curl_multi_remove_handle(multi_.get(), one->easy.get());
    }
    Exchanges(const Exchanges&) = delete;
    Exchanges& operator=(const Exchanges&) = delete;

    std::vector<Result<HostAnswer>> run(const std::stop_token& stop) {
        const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_.get()); });
        while (!stop.stop_requested() && (begin_more() || !under_way_.empty())) {
            int running = 0;
            curl_multi_perform(multi_.get(), &running);
            collect();
            constexpr int kLongestWaitMs = 1'000;  // libcurl ends it at its own time-outs
            if (running > 0) curl_multi_poll(multi_.get(), nullptr, 0, kLongestWaitMs, nullptr);
        }
        return std::move(answers_);
    }

private:
    /// Whether any was begun.
    bool begin_more() {
        const std::size_t before = next_;
        for (; next_ < requests_.size() && under_way_.size() < at_once_; ++next_) {
            auto exchange = std::make_unique<Exchange>();
            exchange->request = &requests_[next_];
            exchange->index = next_;
            exchange->easy.reset(curl_easy_init());
            if (!exchange->easy) continue;  // out of memory: it stays "not asked"
            set_address(*exchange);
            set_content(*exchange);
            set_limits(*exchange);
            curl_multi_add_handle(multi_.get(), exchange->easy.get());
            under_way_.push_back(std::move(exchange));
        }
        return next_ > before;
    }

    void collect() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            Exchange* exchange = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
            curl_multi_remove_handle(multi_.get(), exchange->easy.get());
            answers_[exchange->index] = outcome_of(*exchange, code);
            std::erase_if(under_way_,
                          [exchange](const auto& one) { return one.get() == exchange; });
        }
    }

    const std::vector<HostRequest>& requests_;
    std::vector<Result<HostAnswer>> answers_;
    std::size_t at_once_;
    std::size_t next_ = 0;
    MultiHandle multi_{curl_multi_init(), &curl_multi_cleanup};
    std::vector<std::unique_ptr<Exchange>> under_way_;
};
// NOLINTEND(cppcoreguidelines-pro-type-vararg,hicpp-vararg)

}  // namespace

std::vector<Result<HostAnswer>> ask_all(const std::vector<HostRequest>& requests,
                                        std::size_t at_once, const std::stop_token& stop) {
    return Exchanges(requests, at_once).run(stop);
}

Result<HostAnswer> ask(const HostRequest& request) { return ask_all({request}).front(); }

Result<nlohmann::ordered_json> object_of(const HostAnswer& answer) {
    using Json = nlohmann::ordered_json;
    // What is nested deeper than any host does it is left out: printing it would recurse as deep.
    const auto is_shallow = [](int depth, Json::parse_event_t, const Json&) {
        constexpr int kDeepest = 16;
        return depth <= kDeepest;
    };
    constexpr bool kThrow = false;
    auto json = Json::parse(answer.body, is_shallow, kThrow);
    if (answer.status == 200) {
        if (json.is_object()) return json;
        return failure(ErrorKind::unavailable, "its answer is not that of a host");
    }
    std::string text = fmt::format("it answered with {}", answer.status);
    if (json.is_object() && json.contains("error") && json["error"].is_string()) {
        const auto& error = json["error"].get_ref<const std::string&>();
        text = fmt::format("{} ({})", error.substr(0, kMaxErrorBytes), answer.status);
    }
    return failure(ErrorKind::unavailable, text);
}

}  // namespace rococo::svchost
