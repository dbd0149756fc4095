# SPDX-License-Identifier: MIT
"""What is in an embedded queue's file, read beside the hosts that use it."""

import contextlib
import pathlib
import sqlite3

PLACE_BITS = 44  # of a message's key; the others are its queue's number (rococo/messaging/sqlite/schema.hpp)


def messages_in(path, queue):
    """How many messages a queue has: ready, in somebody's hands, or waiting for their retry."""
    return len(_column(path, queue, "message.key"))


def bodies_in(path, queue):
    """Their bodies."""
    return _column(path, queue, "message.body")


def _column(path, queue, column):
    if not pathlib.Path(path).exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=180)) as file:
        rows = file.execute(
            f"SELECT {column} FROM message, queue WHERE queue.name = ? AND message.key >> {PLACE_BITS} = queue.number",
            (queue,),
        )
        return [value for (value,) in rows]
