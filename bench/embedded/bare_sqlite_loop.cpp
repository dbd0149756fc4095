// SPDX-License-Identifier: MIT
// What SQLite itself can do: the embedded queue's tables, settings and batch size, and nothing
// around them but a loop. Inserts messages, then takes and removes them, each batch in one synced
// transaction, and prints one line of JSON.
//
//   bare_sqlite_loop FILE MESSAGES BODY_BYTES BATCH
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "schema.hpp"

namespace {

using namespace rococo::messaging::sqlite;

sqlite3* database = nullptr;
int log_frames = 0;

void expect(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
    std::exit(1);
}

void execute(const char* sql) {
    expect(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql);
}

sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    expect(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) ==
               SQLITE_OK,
           sql);
    return statement;
}

template <typename... Numbers>
void run(sqlite3_stmt* statement, Numbers... numbers) {
    int index = 0;
    (sqlite3_bind_int64(statement, ++index, numbers), ...);
    expect(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

struct Usage {
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    double cpu_seconds = [] {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    }();
};

void open(const char* file) {
    expect(sqlite3_open(file, &database) == SQLITE_OK, "open");
    execute(
        "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;"
        "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;");
    sqlite3_wal_hook(
        database,
        [](void*, sqlite3*, const char*, int frames) {
            log_frames = frames;
            return SQLITE_OK;
        },
        nullptr);
    execute(kSchema);
    execute("INSERT INTO queue VALUES (1, 'bench', (1 << 44) + 1, (1 << 44) + 1)");
}

void commit() {
    static sqlite3_stmt* statement = prepare("COMMIT");
    run(statement);
    if (log_frames < (16 << 20) / 8192) return;
    sqlite3_wal_checkpoint_v2(database, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    log_frames = 0;
}

void insert(long messages, const std::string& body, long batch) {
    auto* begin = prepare("BEGIN IMMEDIATE");
    auto* add = prepare(
        "INSERT INTO message (key, id, sent_at, content_type, body) VALUES (?, ?, ?, ?, ?)");
    auto* tail = prepare("UPDATE queue SET tail = ? WHERE number = ?");
    long done = 0;
    while (done < messages) {
        run(begin);
        for (long i = 0; i < batch && done < messages; ++i, ++done) {
            const std::string id =
                std::to_string(100'000'000'000 + done) + "-0000-4000-8000-000000000";
            sqlite3_bind_int64(add, 1, first_key(1) + 1 + done);
            sqlite3_bind_text(add, 2, id.data(), 36, SQLITE_STATIC);
            sqlite3_bind_int64(add, 3, 1'800'000'000'000'000 + done);
            sqlite3_bind_text(add, 4, "application/json", -1, SQLITE_STATIC);
            sqlite3_bind_blob64(add, 5, body.data(), body.size(), SQLITE_STATIC);
            expect(sqlite3_step(add) == SQLITE_DONE, "insert");
            sqlite3_reset(add);
        }
        run(tail, first_key(1) + 1 + done, 1);
        commit();
    }
}

/// Takes a batch and removes the one before, in each transaction. Returns the bytes it saw.
std::size_t consume(long batch) {
    auto* begin = prepare("BEGIN IMMEDIATE");
    auto* next = prepare(
        "SELECT key, id, sent_at, content_type, correlation_id, headers, original_queue, body "
        "FROM message WHERE key >= ? AND key < ? ORDER BY key LIMIT ?");
    auto* head = prepare("UPDATE queue SET head = ? WHERE number = ?");
    auto* claim = prepare("INSERT INTO claim VALUES (?, ?, ?)");
    auto* unclaim = prepare("DELETE FROM claim WHERE first = ?");
    auto* remove = prepare("DELETE FROM message WHERE key BETWEEN ? AND ?");
    std::int64_t first = 0;
    std::int64_t last = first_key(1);
    std::size_t bytes = 0;
    while (true) {
        run(begin);
        if (first != 0) {
            run(remove, first, last);
            run(unclaim, first);
        }
        first = 0;
        sqlite3_bind_int64(next, 1, last + 1);
        sqlite3_bind_int64(next, 2, end_key(1));
        sqlite3_bind_int64(next, 3, batch);
        while (sqlite3_step(next) == SQLITE_ROW) {
            last = sqlite3_column_int64(next, 0);
            if (first == 0) first = last;
            bytes += static_cast<std::size_t>(sqlite3_column_bytes(next, 1));
            const auto* body = static_cast<const char*>(sqlite3_column_blob(next, 7));
            bytes +=
                std::string(body, static_cast<std::size_t>(sqlite3_column_bytes(next, 7))).size();
        }
        sqlite3_reset(next);
        if (first != 0) {
            run(head, last + 1, 1);
            run(claim, first, last, 1);
        }
        commit();
        if (first == 0) return bytes;
    }
}

void print(const char* phase, const Usage& from, const Usage& to, long messages, char end) {
    std::printf("\"%s_per_second\": %.0f, \"%s_cpu_us\": %.2f%c", phase,
                static_cast<double>(messages) / (to.seconds - from.seconds), phase,
                (to.cpu_seconds - from.cpu_seconds) * 1e6 / static_cast<double>(messages), end);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: bare_sqlite_loop FILE MESSAGES BODY_BYTES BATCH\n", stderr);
        return 64;
    }
    const long messages = std::atol(argv[2]);
    const std::string body(std::strtoul(argv[3], nullptr, 10), 'x');
    const long batch = std::atol(argv[4]);
    open(argv[1]);
    const Usage start;
    insert(messages, body, batch);
    const Usage inserted;
    consume(batch);
    const Usage consumed;
    std::printf("{");
    print("insert", start, inserted, messages, ',');
    print("consume", inserted, consumed, messages, '}');
    std::puts("");
    return 0;
}
