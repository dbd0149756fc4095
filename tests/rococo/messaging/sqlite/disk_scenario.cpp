// SPDX-License-Identifier: MIT
#include "disk_scenario.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rococo::messaging::testing {
namespace {

/// The connections that SQLite opened since they were last forgotten.
std::vector<sqlite3*>& opened_handles() {
    static std::vector<sqlite3*> handles;
    return handles;
}

int remember_handle(sqlite3* handle, const char**, const sqlite3_api_routines*) {
    opened_handles().push_back(handle);
    return SQLITE_OK;
}

std::string integrity(const std::filesystem::path& path) {
    sqlite3* handle = nullptr;
    std::string answer = "cannot be opened";
    if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        answer = "cannot be checked";
        sqlite3_exec(
            handle, "PRAGMA integrity_check(1)",
            [](void* text, int, char** values, char**) {
                *static_cast<std::string*>(text) = values[0];
                return 0;
            },
            &answer, nullptr);
    }
    sqlite3_close(handle);
    return answer;
}

}  // namespace

DiskScenario::DiskScenario(SqliteSettings settings, unsigned seed, bool mutant)
    : settings_(std::move(settings)),
      random_(seed),
      mutant_(mutant),
      sink_{&lines_, [](void*, int level) { return level > 1; },
            [](void* lines, int, const char*, unsigned, const char* text, std::size_t size) {
                static_cast<std::vector<std::string>*>(lines)->emplace_back(text, size);
            }} {
    settings_.wal_limit_bytes = 128 << 10;  // So that the log is copied again and again.
    if (mutant_) sqlite3_auto_extension(reinterpret_cast<void (*)()>(remember_handle));
}

DiskScenario::~DiskScenario() {
    close();
    if (mutant_) sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(remember_handle));
}

void DiskScenario::run(int steps, const std::function<bool()>& stop) {
    for (int i = 0; i < steps && !stop(); ++i) step();
}

void DiskScenario::open() {
    opened_handles().clear();
    if (sender_ == nullptr) {
        auto opened = SqliteSender::open(settings_, clock_, seeded_random(1));
        if (!opened) return static_cast<void>(++failures_);
        sender_ = std::move(*opened);
    }
    if (connection_ == nullptr) {
        auto made = std::make_unique<SqliteConnection>(settings_, "work", clock_, Logger(&sink_));
        made->limit({.deliveries = 12});
        if (!made->open()) return static_cast<void>(++failures_);
        connection_ = std::move(made);
    }
    for (auto* handle : opened_handles()) {
        if (mutant_) sqlite3_exec(handle, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
    }
}

void DiskScenario::step() {
    if (sender_ == nullptr || connection_ == nullptr) open();
    clock_.advance(std::chrono::milliseconds(random_() % 3000));
    if (sender_ != nullptr && decides(40)) send();
    if (connection_ != nullptr && decides(80)) {
        settle_some();
        receive();
    }
    if (decides(4)) close();
}

void DiskScenario::send() {
    std::vector<OutgoingMessage> messages(1 + random_() % 4);
    for (auto& each : messages) {
        each = message(std::string(random_() % 6000, 'b'), std::to_string(next_++));
        book_[each.id] = Fate::perhaps_sent;
    }
    if (!sender_->send("work", messages)) return static_cast<void>(++failures_);
    for (const auto& each : messages) book_[each.id] = Fate::sent;
}

void DiskScenario::settle_some() {
    std::shuffle(in_hand_.begin(), in_hand_.end(), random_);
    const std::size_t count = random_() % (in_hand_.size() + 1);
    Settlements settlements;
    for (std::size_t i = 0; i < count; ++i) {
        auto& settlement = settlements.emplace_back();
        settlement.delivery = std::move(in_hand_.back());
        in_hand_.pop_back();
        const std::string id(settlement.delivery->id);
        constexpr std::array kVerdicts{Verdict::ack,   Verdict::ack,     Verdict::ack,
                                       Verdict::retry, Verdict::release, Verdict::dead_letter};
        settlement.verdict = kVerdicts[random_() % kVerdicts.size()];
        settlement.delay = std::chrono::milliseconds(random_() % 4000);
        settlement.attempts = settlement.delivery->attempt;
        settlement.reason = "max-attempts";
        names_[settlement.delivery->number] = id;
        if (settlement.verdict == Verdict::retry) asked_[id] = settlement.attempts;
        if (settlement.verdict == Verdict::ack || settlement.verdict == Verdict::dead_letter) {
            book_[id] = Fate::perhaps_settled;
        }
    }
    if (!connection_->settle(std::move(settlements))) ++failures_;
}

void DiskScenario::receive() {
    Events events;
    if (!connection_->receive(clock_.steady_now(), events)) {
        ++failures_;
        close();
    }
    note(events);
    for (auto& delivery : events.deliveries) {
        book_[std::string(delivery->id)] = Fate::sent;
        in_hand_.push_back(std::move(delivery));
    }
}

void DiskScenario::note(const Events& events) {
    for (const auto& settled : events.settled) {
        const auto& id = names_.at(settled.delivery);
        if (settled.verdict == Verdict::ack) book_[id] = Fate::acknowledged;
        if (settled.verdict == Verdict::dead_letter) book_[id] = Fate::dead;
        if (settled.verdict == Verdict::retry) charged_[id] = asked_.at(id);
        asked_.erase(id);
    }
}

void DiskScenario::close() {
    // Closing carries out what was handed over, without events; what is in hand comes again.
    in_hand_.clear();
    connection_.reset();
    sender_.reset();
}

std::vector<std::string> DiskScenario::audit(const std::filesystem::path& path) const {
    std::vector<std::string> wrong;
    SqliteSettings settings;
    settings.path = path;
    ManualClock clock = clock_;
    clock.advance(24h);  // Every retry is due.
    std::map<std::string, std::vector<std::uint32_t>> alive;
    std::set<std::string> dead;
    {
        SqliteConnection connection(settings, "work", clock);
        connection.limit({.deliveries = 1'000'000});
        Events events;
        auto received = connection.open().and_then(
            [&] { return connection.receive(clock.steady_now(), events); });
        if (!received) return {received.error().message};
        for (const auto& delivery : events.deliveries) {
            alive[std::string(delivery->id)].push_back(delivery->attempt);
        }
        auto store = SqliteDeadLetters::open(settings, "work", clock);
        if (!store) return {store.error().message};
        auto letters = (*store)->list(1'000'000);
        if (!letters) return {letters.error().message};
        for (const auto& letter : *letters) {
            if (!dead.insert(letter.id).second) wrong.push_back(letter.id + " is dead twice");
        }
        if (const auto whole = integrity(path); whole != "ok") wrong.push_back(whole);
    }
    for (const auto& [id, attempts] : alive) {
        if (!book_.contains(id)) wrong.push_back(id + " was never sent");
        if (attempts.size() > 1) wrong.push_back(id + " is there twice");
        if (dead.contains(id)) wrong.push_back(id + " is alive and dead");
        const auto charged = charged_.find(id);
        const auto asked = asked_.find(id);
        const std::uint32_t least = charged == charged_.end() ? 1 : charged->second + 1;
        const std::uint32_t most = asked == asked_.end() ? least : asked->second + 1;
        if (attempts[0] < least || attempts[0] > std::max(least, most)) {
            wrong.push_back(fmt::format("{} is at attempt {}, not {}", id, attempts[0], least));
        }
    }
    for (const auto& [id, fate] : book_) {
        const bool is_alive = alive.contains(id);
        const bool is_dead = dead.contains(id);
        if (fate == Fate::sent && !is_alive) wrong.push_back(id + " is lost");
        if (fate == Fate::acknowledged && (is_alive || is_dead)) {
            wrong.push_back(id + " was acknowledged and is back");
        }
        if (fate == Fate::dead && !is_dead) wrong.push_back(id + " is no dead letter any more");
    }
    return wrong;
}

}  // namespace rococo::messaging::testing
