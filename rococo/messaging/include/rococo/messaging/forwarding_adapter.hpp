// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rococo/messaging/message_adapter.hpp"

namespace rococo::messaging {

/// An adapter whose work another one does. The public class of each kind of queue is one, so that
/// its header shows nothing of the client library.
class ForwardingAdapter : public MessageAdapter {
public:
    [[nodiscard]] Result<std::vector<std::string>> check() override { return worker_->check(); }
    [[nodiscard]] Result<void> open() override { return worker_->open(); }
    void limit(const Limits& limits) override { worker_->limit(limits); }
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Events& out) override {
        return worker_->receive(deadline, out);
    }
    [[nodiscard]] Result<void> settle(Settlements settlements) override {
        return worker_->settle(std::move(settlements));
    }
    [[nodiscard]] std::size_t unsettled() const override { return worker_->unsettled(); }
    void pause() override { worker_->pause(); }
    void resume() override { worker_->resume(); }
    [[nodiscard]] bool awaits_messages() const override { return worker_->awaits_messages(); }
    void reconnect(const std::string& reason) override { worker_->reconnect(reason); }
    void stop_receiving() override { worker_->stop_receiving(); }
    [[nodiscard]] Result<bool> empty() override { return worker_->empty(); }
    void close() override { worker_->close(); }
    void wake() noexcept override { worker_->wake(); }
    [[nodiscard]] std::string endpoint() const override { return worker_->endpoint(); }

protected:
    explicit ForwardingAdapter(std::unique_ptr<MessageAdapter> worker)
        : worker_(std::move(worker)) {}
    [[nodiscard]] MessageAdapter& worker() const { return *worker_; }

private:
    std::unique_ptr<MessageAdapter> worker_;
};

}  // namespace rococo::messaging
