// SPDX-License-Identifier: MIT
#include "rococo/base/forked_child.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace rococo {

namespace {

struct Registry {
    std::mutex mutex;
    std::vector<int> descriptors;
};

/// Never destroyed, because a child may be forked while the process exits.
Registry& registry() {
    static auto& only = *[] {
        auto* const made = new Registry;
        // The forking thread holds the mutex during the fork, so the child gets a consistent list
        // and may unlock the mutex. Walking the list allocates nothing.
        ::pthread_atfork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                         [] {
                             for (const int descriptor : registry().descriptors) {
                                 ::close(descriptor);
                             }
                             registry().descriptors.clear();
                             registry().mutex.unlock();
                         });
        return made;
    }();
    return only;
}

}  // namespace

ClosedInForkedChild::ClosedInForkedChild(int descriptor) : descriptor_(descriptor) {
    if (descriptor_ < 0) return;
    Registry& all = registry();
    const std::scoped_lock lock(all.mutex);
    all.descriptors.push_back(descriptor_);
}

ClosedInForkedChild::~ClosedInForkedChild() {
    if (descriptor_ < 0) return;
    Registry& all = registry();
    const std::scoped_lock lock(all.mutex);
    const auto found = std::find(all.descriptors.begin(), all.descriptors.end(), descriptor_);
    if (found != all.descriptors.end()) all.descriptors.erase(found);
}

}  // namespace rococo
