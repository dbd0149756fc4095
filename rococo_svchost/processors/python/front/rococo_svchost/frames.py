# SPDX-License-Identifier: MIT
"""Frames between svchost and this process, protocol 1.

A frame is a header of 16 bytes, little endian, `meta_size` bytes of JSON (an object; none at all for an empty one) and the payload:

    u32 size (of all that follows the header) · u8 kind · u24 meta_size · u64 seq

Kind and meta_size are read as one u32: `kind | meta_size << 8`.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Dict, NamedTuple, Tuple

PROTOCOL = 1
HEADER = struct.Struct("<IIQ")

# work, host to child
HELLO, MESSAGE, RUN, STOP, START = 1, 2, 3, 4, 5
# work, child to host
READY, REFUSED, DONE, FAILED, RETURNED, STARTED = 1, 2, 3, 4, 5, 6
# calls
LOG, SEND, SENT, NOT_SENT = 16, 17, 18, 19

LAST = 0x40  # on MESSAGE: the last of a window
OPTIONAL = 0x80  # a receiver that does not know the kind skips the frame
KIND_MASK = 0x3F

# The page: numbers of its 8-byte words.
BEGUN, DONE_UP_TO, RETRACT_ABOVE, RETRACT_UP_TO, CANCELLED, FENCED, RECYCLE, FIRST = range(8)
PAGE_SIZE = 4096

_BUFFER_SIZE = 256 * 1024  # a whole window, as a rule
_KEPT_SIZE = 4 * _BUFFER_SIZE  # a buffer that grew beyond is given back once it is empty


class ProtocolError(Exception):
    """The peer sent what protocol 1 does not allow."""


class Frame(NamedTuple):
    """One frame: its kind without the flags, the flags (LAST, OPTIONAL), and its content."""

    kind: int
    flags: int
    seq: int
    meta: Dict[str, Any]
    payload: bytes


def encode(kind: int, seq: int = 0, meta: bytes = b"", payload: bytes = b"") -> bytes:
    """The bytes of a frame. `meta` is JSON, at most 16 MiB of it."""
    size = len(meta) + len(payload)
    return HEADER.pack(size, kind | len(meta) << 8, seq) + meta + payload


def encode_meta(meta: Dict[str, Any]) -> bytes:
    """The bytes of a frame's metadata: none for an empty object.

    Half a surrogate pair, which Python's strings may hold and JSON's readers refuse, becomes a question mark.
    """
    return json.dumps(meta, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") if meta else b""


def decode_meta(raw: bytes) -> Dict[str, Any]:
    """The metadata of a frame from its bytes."""
    try:
        meta = json.loads(bytes(raw).decode("utf-8")) if raw else {}
    except ValueError as error:
        raise ProtocolError(f"metadata that is not JSON: {error}") from None
    if not isinstance(meta, dict):
        raise ProtocolError("metadata that is not an object")
    return meta


class FrameReader:
    """Reads frames from a stream socket, many with each call of `recv`.

    The worker's loop reads `buffer[at:fill]` by itself and calls `more` when it has used up what is there; everyone else calls
    `next`. **Thread-safety**: one thread at a time.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._replace(_BUFFER_SIZE)
        self.at = 0
        self.fill = 0

    def _replace(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)

    def more(self, at: int) -> Tuple[int, int]:
        """Waits for more bytes behind those that begin at `at`; returns where they begin and end now.

        `buffer` and `view` may be others afterwards. Raises EOFError when the host has closed its end.
        """
        held = self.fill - at
        needed = HEADER.size
        if held >= HEADER.size:
            needed += HEADER.unpack_from(self.buffer, at)[0]
        room = len(self.buffer)
        if needed > room or (held == 0 and room > _KEPT_SIZE):
            old = self.view[at : self.fill]
            self._replace(max(_BUFFER_SIZE, needed))
            self.view[:held] = old
            del old  # a buffer of a hundred megabytes is not kept while we wait
            at = 0
        elif at + max(needed, room // 4) > room or held == 0:
            self.buffer[:held] = self.buffer[at : self.fill]
            at = 0
        received = self.socket.recv_into(self.view[at + held :])
        if received == 0:
            raise EOFError("the host has closed the socket")
        self.at, self.fill = at, at + held + received
        return self.at, self.fill

    def complete(self) -> bool:
        """Whether `next` has a frame without waiting."""
        held = self.fill - self.at
        return held >= HEADER.size and held >= HEADER.size + int(HEADER.unpack_from(self.buffer, self.at)[0])

    def next(self) -> Frame:
        """The next frame, as soon as all of it is there. Raises EOFError at the end."""
        while True:
            if self.fill - self.at >= HEADER.size:
                size, kind, seq = HEADER.unpack_from(self.buffer, self.at)
                start = self.at + HEADER.size
                if start + size <= self.fill:
                    self.at = start + size
                    return self._frame(kind, seq, start, size)
            self.more(self.at)

    def _frame(self, kind: int, seq: int, start: int, size: int) -> Frame:
        meta_size = kind >> 8
        if meta_size > size:
            raise ProtocolError(f"a frame of {size} bytes with {meta_size} bytes of metadata")
        meta = decode_meta(self.view[start : start + meta_size])
        payload = bytes(self.view[start + meta_size : start + size])
        return Frame(kind & KIND_MASK, kind & (LAST | OPTIONAL), seq, meta, payload)
