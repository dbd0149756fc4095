// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/otlp_metrics.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "rococo/base/printable.hpp"

namespace rococo::svchost {
namespace {

using std::chrono::milliseconds;

struct CurlEnd {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlEnd>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlEnd>;

CurlHandle new_handle() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    return CurlHandle(curl_easy_init());
}

void append(CurlHeaders& headers, const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    static_cast<void>(headers.release());
    headers.reset(longer);
}

/// What the collector says is not needed.
std::size_t ignore(char* /*bytes*/, std::size_t size, std::size_t count, void* /*self*/) {
    return size * count;
}

int is_given_up(void* flag, curl_off_t /*download_total*/, curl_off_t /*downloaded*/,
                curl_off_t /*upload_total*/, curl_off_t /*uploaded*/) {
    return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

void configure(CURL* easy, const OtlpSettings& settings, const std::string& body,
               milliseconds timeout) {
    curl_easy_setopt(easy, CURLOPT_URL, settings.url.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
    if (!settings.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, settings.ca_file.c_str());
}

/// Without what may be a password.
std::string shown_url(const std::string& url) {
    const std::size_t host = url.find("://") == std::string::npos ? 0 : url.find("://") + 3;
    const std::size_t at = url.substr(0, url.find('/', host)).rfind('@');
    const bool has_user = at != std::string::npos && at >= host;
    return printable(has_user ? url.substr(0, host) + url.substr(at + 1) : url);
}

}  // namespace

/// The thread, and what it shares with its owner.
class OtlpMetrics::Exporter {
public:
    Exporter(OtlpSettings settings, const HostControl& control, const Logger& logger)
        : settings_(std::move(settings)),
          control_(control),
          logger_(logger),
          thread_([this] { run(); }) {}
    ~Exporter() { stop(milliseconds(0)); }
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    void stop(milliseconds patience) {
        if (!thread_.joinable()) return;
        {
            const std::scoped_lock lock(mutex_);
            last_patience_ = patience;
            stopping_ = true;
            give_up_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, settings_.interval, [this] { return stopping_; })) {
            lock.unlock();
            note(exported(settings_.timeout));
            lock.lock();
        }
        if (last_patience_ <= milliseconds(0)) return;
        give_up_ = false;
        note(exported(std::min(last_patience_, settings_.timeout)));
    }

    /// Why it failed; empty if it did not.
    [[nodiscard]] std::string exported(milliseconds timeout) {
        try {
            return sent(otlp_json(control_.facts(), settings_.resource), timeout);
        } catch (const std::exception& error) {
            return error.what();
        }
    }

    [[nodiscard]] std::string sent(const std::string& body, milliseconds timeout) {
        const CurlHandle easy = new_handle();
        if (!easy) return "libcurl has no memory left";
        configure(easy.get(), settings_, body, timeout);
        CurlHeaders headers;
        append(headers, "Content-Type: application/json");
        append(headers, "Expect:");
        for (const auto& [name, value] : settings_.headers)
            append(headers, std::string(name).append(": ").append(value));
        curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(easy.get(), CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy.get(), CURLOPT_XFERINFOFUNCTION, &is_given_up);
        curl_easy_setopt(easy.get(), CURLOPT_XFERINFODATA, &give_up_);
        const CURLcode code = curl_easy_perform(easy.get());
        // That is our own doing, and the last export says how it went.
        if (code == CURLE_ABORTED_BY_CALLBACK) return {};
        if (code != CURLE_OK) return curl_easy_strerror(code);
        long status = 0;
        curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
        return status / 100 == 2 ? std::string() : fmt::format("the answer was {}", status);
    }

    void note(const std::string& problem) {
        const bool fails = !problem.empty();
        if (fails && !failing_)
            logger_.warning("Metrics cannot be sent to {}: {}", shown_url(settings_.url), problem);
        if (!fails && failing_)
            logger_.info("Metrics are sent to {} again", shown_url(settings_.url));
        failing_ = fails;
    }

    OtlpSettings settings_;
    const HostControl& control_;
    Logger logger_;
    bool failing_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;  ///< Under the mutex, like the next.
    milliseconds last_patience_{};
    std::atomic<bool> give_up_ = false;
    std::thread thread_;
};

OtlpMetrics::OtlpMetrics(OtlpSettings settings, const HostControl& control, const Logger& logger)
    : exporter_(std::make_unique<Exporter>(std::move(settings), control, logger)) {}

OtlpMetrics::~OtlpMetrics() = default;

void OtlpMetrics::stop(milliseconds patience) { exporter_->stop(patience); }

}  // namespace rococo::svchost
