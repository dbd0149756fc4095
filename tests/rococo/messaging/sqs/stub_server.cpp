// SPDX-License-Identifier: MIT
#include "stub_server.hpp"

#include <httplib.h>

#include <thread>

namespace rococo::messaging::sqs {

struct StubServer::Impl {
    Handler handler;
    httplib::Server server;
    int port = 0;
    std::thread thread;

    static StubRequest understand(const httplib::Request& request) {
        StubRequest understood{request.method, request.path, {}, request.body};
        for (const auto& [name, value] : request.headers) {
            std::string lower;
            for (const char c : name) {
                lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            }
            understood.headers[lower] = value;
        }
        return understood;
    }

    void answer(const httplib::Request& request, httplib::Response& response) const {
        const auto answer = handler(understand(request));
        response.status = answer.status;
        for (const auto& [name, value] : answer.headers) response.set_header(name, value);
        if (answer.endless) {
            response.set_chunked_content_provider(
                answer.content_type, [body = answer.body](std::size_t, httplib::DataSink& sink) {
                    return sink.write(body.data(), body.size());
                });
        } else if (answer.drip) {
            response.set_content_provider(
                answer.body.size(), answer.content_type,
                [body = answer.body](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                    std::this_thread::sleep_for(std::chrono::microseconds(200));
                    return sink.write(body.data() + offset, 1);
                });
        } else if (answer.cut_off) {
            response.set_content_provider(
                answer.body.size(), answer.content_type,
                [body = answer.body](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                    if (offset > 0) return false;
                    return sink.write(body.data(), body.size() / 2);
                });
        } else {
            response.set_content(answer.body, answer.content_type);
        }
    }
};

StubServer::StubServer(Handler handler) : impl_(std::make_unique<Impl>()) {
    impl_->handler = std::move(handler);
    const auto respond = [this](const httplib::Request& request, httplib::Response& response) {
        impl_->answer(request, response);
    };
    impl_->server.new_task_queue = [] { return new httplib::ThreadPool(48); };
    impl_->server.set_tcp_nodelay(true);
    // A connection that the client forgets stays open, and is counted.
    impl_->server.set_keep_alive_max_count(100'000);
    impl_->server.set_payload_max_length(64 << 20);
    impl_->server.Get(".*", respond);
    impl_->server.Post(".*", respond);
    impl_->server.Put(".*", respond);
    impl_->port = impl_->server.bind_to_any_port("127.0.0.1");
    impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
    while (!impl_->server.is_running()) std::this_thread::yield();
}

StubServer::~StubServer() {
    impl_->server.stop();
    impl_->thread.join();
}

std::string StubServer::url() const { return "http://127.0.0.1:" + std::to_string(impl_->port); }

}  // namespace rococo::messaging::sqs
