// SPDX-License-Identifier: MIT
#include "mutant_adapter.hpp"

#include <string>
#include <utility>
#include <vector>

#include "rococo/messaging/forwarding_adapter.hpp"

namespace rococo::svchost::tests {

namespace {

using messaging::Deliveries;
using messaging::Delivery;
using messaging::Events;
using messaging::MessageAdapter;
using messaging::Settlement;
using messaging::Settlements;
using messaging::Verdict;

/// A delivery that has outlived its original.
class Copy final : public Delivery {
public:
    explicit Copy(const Delivery& original)
        : body_(original.body), id_(original.id), queue_(original.queue) {
        body = body_;
        id = id_;
        queue = queue_;
        number = original.number;
        attempt = original.attempt;
    }

private:
    std::string body_;
    std::string id_;
    std::string queue_;
};

/// Passes everything on.
class Decorator : public messaging::ForwardingAdapter {
public:
    explicit Decorator(std::unique_ptr<MessageAdapter> honest)
        : ForwardingAdapter(std::move(honest)) {}
};

class AckBeforeProcessing final : public Decorator {
public:
    using Decorator::Decorator;

    Result<void> receive(SteadyTime deadline, Events& out) override {
        Events honest;
        if (auto received = Decorator::receive(deadline, honest); !received) return received;
        Settlements acks;
        for (auto& original : honest.deliveries) {
            out.deliveries.push_back(std::make_unique<Copy>(*original));
            acks.emplace_back().delivery = std::move(original);
        }
        if (acks.empty()) return {};
        return Decorator::settle(std::move(acks));
    }
    Result<void> settle(Settlements /*of copies*/) override { return {}; }  // no events either
};

class SwallowException final : public Decorator {
public:
    using Decorator::Decorator;

    Result<void> settle(Settlements settlements) override {
        for (Settlement& settlement : settlements) {
            if (settlement.verdict != Verdict::release) settlement.verdict = Verdict::ack;
        }
        return Decorator::settle(std::move(settlements));
    }
};

/// The window that a power failure would hit: the original is gone, the copy is not yet made. Here
/// it never closes, as if the power failed every time.
class AckBeforeConfirm final : public Decorator {
public:
    using Decorator::Decorator;

    Result<void> settle(Settlements settlements) override {
        for (Settlement& settlement : settlements) {
            if (settlement.verdict == Verdict::dead_letter) settlement.verdict = Verdict::ack;
        }
        return Decorator::settle(std::move(settlements));
    }
};

}  // namespace

std::unique_ptr<MessageAdapter> make_mutant(std::string_view name,
                                            std::unique_ptr<MessageAdapter> honest) {
    if (name == "ack-before-processing") {
        return std::make_unique<AckBeforeProcessing>(std::move(honest));
    }
    if (name == "swallow-exception") return std::make_unique<SwallowException>(std::move(honest));
    if (name == "ack-before-confirm") return std::make_unique<AckBeforeConfirm>(std::move(honest));
    return nullptr;
}

}  // namespace rococo::svchost::tests
