// SPDX-License-Identifier: MIT
#include "dead_letter_desk.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "facts_json.hpp"
#include "rococo/base/base64.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/utf8.hpp"

namespace rococo::svchost {
namespace {

using http::HttpResponse;
using messaging::DeadLetter;
using nlohmann::json;

constexpr std::size_t kMostListed = 1000;
constexpr std::chrono::seconds kSnapshotLife{60};

json summary_json(const DeadLetter& letter) {
    return {{"id", letter.id},
            {"message", letter.message.empty() ? letter.id : letter.message},
            {"original_queue", letter.original_queue},
            {"reason", letter.reason},
            {"error", letter.error},
            {"attempts", letter.attempts},
            {"first_failed_at", time_json(letter.first_failed_at)},
            {"last_failed_at", time_json(letter.last_failed_at)},
            {"content_type", letter.content_type},
            {"size", letter.body_bytes}};
}

json pairs_json(const std::vector<std::pair<std::string, std::string>>& pairs) {
    auto array = json::array();
    for (const auto& [name, value] : pairs) array.push_back(json::array({name, value}));
    return array;
}

tl::unexpected<HttpResponse> no_such_letter(const std::string& id) {
    return api_error(404, "There is no dead letter " + printable(id) + ".");
}

/// 409, with how many there are.
tl::unexpected<HttpResponse> more_than_shown(std::size_t count) {
    HttpResponse response;
    response.status = 409;
    response.content_type = "application/json";
    response.body = json_text(
        {{"error", "There are now " + counted(count, "dead letter") + ", more than were shown."},
         {"count", count}});
    return tl::unexpected(std::move(response));
}

}  // namespace

ApiAnswer DeadLetterDesk::list(const ApiCall& call) {
    const std::scoped_lock lock(mutex_);
    const bool is_fresh = snapshot_ && clock_.steady_now() - snapshot_->at < kSnapshotLife;
    if (is_fresh && call.request.parameter("refresh") != "1") return snapshot_->document;
    return take_snapshot();
}

ApiAnswer DeadLetterDesk::show(const ApiCall& call) {
    const std::scoped_lock lock(mutex_);
    const auto store = open_store();
    if (!store) return tl::unexpected(store.error());
    const auto found = (*store)->find(call.id);
    if (!found) return api_error(found.error());
    if (!*found) return no_such_letter(call.id);
    const DeadLetter& letter = **found;
    const bool is_text = !find_invalid_utf8(letter.body);
    json document = summary_json(letter);
    document["headers"] = bodies_ ? pairs_json(letter.headers) : json(nullptr);
    document["properties"] = bodies_ ? pairs_json(letter.properties) : json(nullptr);
    document["body"] = bodies_ && is_text ? json(letter.body) : json(nullptr);
    document["body_base64"] =
        bodies_ && !is_text ? json(base64_encode(letter.body)) : json(nullptr);
    return document;
}

ApiAnswer DeadLetterDesk::requeue(const ApiCall& call) {
    return act(call, &Store::requeue, "requeued");
}

ApiAnswer DeadLetterDesk::remove(const ApiCall& call) {
    return act(call, &Store::remove, "deleted");
}

ApiAnswer DeadLetterDesk::edit(const ApiCall& call) {
    const auto body = read_body(call);
    if (!body) return tl::unexpected(body.error());
    const auto text = body->find("body");
    if (text == body->end() || !text->is_string())
        return api_error(400, "Send the new body as text: {\"body\": \"…\"}.");
    const std::scoped_lock lock(mutex_);
    if (!control_.capabilities().edit)
        return api_error(404, "Dead letters of this queue cannot be edited.");
    const auto store = open_store();
    if (!store) return tl::unexpected(store.error());
    const auto id = (*store)->edit_and_requeue(call.id, text->get_ref<const std::string&>());
    if (!id) return edit_refused(**store, call, id.error());
    snapshot_.reset();
    logger_.info("The dead letter {} was edited and requeued as {}, asked for by {}",
                 printable(call.id), *id, call.peer.address);
    return json{{"id", *id}};
}

tl::unexpected<HttpResponse> DeadLetterDesk::edit_refused(Store& store, const ApiCall& call,
                                                          const Error& error) {
    if (error.kind != ErrorKind::usage) return api_error(error);
    // Either there is no such letter, or the queue does not take such a body.
    const auto found = store.find(call.id);
    return api_error(found && !*found ? 404 : 400, error.message);
}

tl::expected<std::unique_ptr<DeadLetterDesk::Store>, HttpResponse> DeadLetterDesk::open_store() {
    if (!control_.capabilities().dead_letters)
        return api_error(404, "This host has no dead letters.");
    auto store = control_.dead_letters();
    if (!store) return api_error(store.error());
    return *std::move(store);
}

ApiAnswer DeadLetterDesk::take_snapshot() {
    const auto store = open_store();
    if (!store) return tl::unexpected(store.error());
    const auto letters = (*store)->summaries(kMostListed);
    if (!letters) return api_error(letters.error());
    std::size_t count = letters->size();
    if (count == kMostListed) {
        const auto all = (*store)->count();
        if (!all) return api_error(all.error());
        count = std::max(count, *all);
    }
    auto items = json::array();
    for (const DeadLetter& letter : *letters) items.push_back(summary_json(letter));
    snapshot_ = {.at = clock_.steady_now(),
                 .document = {{"taken_at", time_json(clock_.now())},
                              {"count", count},
                              {"truncated", count > letters->size()},
                              {"items", std::move(items)}}};
    return snapshot_->document;
}

tl::expected<DeadLetterDesk::Named, HttpResponse> DeadLetterDesk::named_letters(const json& body,
                                                                                Store& store) {
    std::vector<std::string> ids;
    if (const auto list = body.find("ids"); list != body.end() && list->is_array()) {
        for (const json& id : *list) {
            if (!id.is_string()) return api_error(400, "Each of the ids must be text.");
            ids.push_back(id.get<std::string>());
        }
        // For a store, no ids are all of them.
        if (ids.empty()) return api_error(400, "The list of ids is empty.");
        return ids;
    }
    const auto all = body.find("all");
    if (all == body.end() || !all->is_number_unsigned() || all->get<std::uint64_t>() == 0)
        return api_error(400, "Send {\"ids\": [\"…\"]}, or {\"all\": 12} for all 12 of them.");
    const auto shown = all->get<std::uint64_t>();
    const auto count = store.count();
    if (!count) return api_error(count.error());
    if (*count > shown) return more_than_shown(*count);
    if (shown > kMostListed) return std::nullopt;
    // Listed once more, so that one that arrives just now is not among them.
    const auto letters = store.summaries(static_cast<std::size_t>(shown));
    if (!letters) return api_error(letters.error());
    for (const DeadLetter& letter : *letters) ids.push_back(letter.id);
    return ids;
}

ApiAnswer DeadLetterDesk::act(const ApiCall& call, StoreAction action, const char* done) {
    const auto body = read_body(call);
    if (!body) return tl::unexpected(body.error());
    const std::scoped_lock lock(mutex_);
    const auto store = open_store();
    if (!store) return tl::unexpected(store.error());
    const auto named = named_letters(*body, **store);
    if (!named) return tl::unexpected(named.error());
    const std::vector<std::string> ids = named->value_or(std::vector<std::string>());
    const bool are_none = named->has_value() && ids.empty();
    const auto count = are_none ? Result<std::size_t>(0) : (store->get()->*action)(ids);
    snapshot_.reset();
    if (!count) return api_error(count.error());
    logger_.info("{} {}, asked for by {}",
                 counted(*count, "dead letter").append(*count == 1 ? " was" : " were"), done,
                 call.peer.address);
    return json{{done, *count}};
}

}  // namespace rococo::svchost
