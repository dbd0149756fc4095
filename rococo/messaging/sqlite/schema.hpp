// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace rococo::messaging::sqlite {

/// In the header of each queue file: "RQue". Tells ours from other programs' databases.
constexpr std::int64_t kApplicationId = 0x52517565;
/// Counted up with each change that an older host could not read.
constexpr std::int64_t kSchemaVersion = 1;

/// A message's key is its queue's number and, below it, its place in that queue: one table, in
/// which each queue is a range that grows at its end and is eaten from its front. 2^44 messages
/// are eleven years at 50,000 a second.
constexpr int kPlaceBits = 44;
constexpr std::int64_t kMostQueues = (std::int64_t{1} << (62 - kPlaceBits)) - 1;

/// The first key that a queue's messages may have, and the first one past them.
[[nodiscard]] constexpr std::int64_t first_key(std::int64_t queue) { return queue << kPlaceBits; }
[[nodiscard]] constexpr std::int64_t end_key(std::int64_t queue) {
    return (queue + 1) << kPlaceBits;
}

/// The tables. What makes it fast is what is *not* written: taking a message changes neither the
/// message nor an index, but moves the queue's `head` and notes one range in `claim`.
constexpr const char* kSchema = R"sql(
-- A queue. Messages with head <= key < tail were never handed to anybody.
CREATE TABLE queue (
    number INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    head   INTEGER NOT NULL,
    tail   INTEGER NOT NULL
);
-- A message: written once, removed once. The last six are filled in a dead letter only.
CREATE TABLE message (
    key             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL,
    sent_at         INTEGER NOT NULL,  -- microseconds since 1970, as all times here
    content_type    TEXT,
    correlation_id  TEXT,
    headers         TEXT,              -- JSON: [["name","value"],...]
    original_queue  TEXT,
    reason          TEXT,
    error           TEXT,
    attempts        INTEGER,
    first_failed_at INTEGER,
    last_failed_at  INTEGER,
    body            BLOB    NOT NULL
);
-- A consumer that has messages in hand, or had. It lives while it holds its byte of the lock file.
-- As long as it is not stopped it changes lease_until, well before its lease ends; the others measure
-- how long it did not, each by its own clock. (Version 1.0.0 takes the value for a date.)
CREATE TABLE consumer (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    queue       INTEGER NOT NULL,
    lease_until INTEGER NOT NULL
);
-- The messages from first to last that are still there are in a consumer's hands, but for those
-- that are waiting.
CREATE TABLE claim (
    first    INTEGER PRIMARY KEY,
    last     INTEGER NOT NULL,
    consumer INTEGER NOT NULL
);
-- A message behind its queue's head that is to be handed out again: a retry, or given back.
CREATE TABLE waiting (
    key             INTEGER PRIMARY KEY,
    queue           INTEGER NOT NULL,
    consumer        INTEGER NOT NULL,  -- in whose hands it is; 0 for nobody's
    due             INTEGER NOT NULL,  -- 0 is at once; otherwise last_failed_at + the delay
    came_back       INTEGER NOT NULL,  -- 1: unsettled, from a consumer that ended
    attempts        INTEGER NOT NULL,
    first_failed_at INTEGER,
    last_failed_at  INTEGER,
    error           TEXT
);
CREATE INDEX waiting_line ON waiting (queue, consumer, due);
)sql";

}  // namespace rococo::messaging::sqlite
