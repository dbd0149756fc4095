# SPDX-License-Identifier: MIT
"""The calls socket: log lines and messages that go to the host, from any thread."""

from __future__ import annotations

import collections
import socket
import threading
from typing import Any, Deque, Dict, Optional, Set

from .errors import SendError
from .frames import LOG, NOT_SENT, OPTIONAL, SEND, SENT, Frame, FrameReader, ProtocolError, encode, encode_meta


class Calls:
    """The child's end of the calls socket.

    **Thread-safety**: all members may be called from any thread, and from signal handlers and finalizers that interrupt a call
    of their own thread: what they write waits until the interrupted frame is out.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.RLock()
        self._frames: Deque[bytes] = collections.deque()
        self._rest: Optional[memoryview] = None  # of a frame that is partly out
        self._writing = False
        self._reader = FrameReader(sock)
        self._arrived = threading.Condition(threading.Lock())
        self._reading: Optional[int] = None  # the thread that reads for all who wait
        self._awaited: Set[int] = set()
        self._answers: Dict[int, Frame] = {}
        self._number = 0
        self._closed = ""

    def close(self, reason: str) -> None:
        """Ends it, without a word to the host: in a forked child, whose parent goes on using the socket."""
        self._closed = reason
        self._lock = threading.RLock()  # another thread of the parent may have held the old one
        self._socket.close()

    def log(self, meta: bytes, text: bytes) -> None:
        """Writes a log line, at once: what a crash needs most is the last line. Raises OSError if the host has gone."""
        self._write(encode(LOG, 0, meta, text))

    def send(self, body: bytes, meta: Dict[str, Any]) -> None:
        """Sends a message and waits until the broker has confirmed it. Raises SendError."""
        if self._closed:
            raise SendError(self._closed)
        with self._arrived:
            if self._reading == threading.get_ident():
                raise SendError("send_message was called by a signal handler that interrupted send_message")
            self._number += 1
            number = self._number
            self._awaited.add(number)
        try:
            self._write(encode(SEND, number, encode_meta(meta), body))
            answer = self._answer(number)
        except (OSError, EOFError, ProtocolError) as error:
            raise SendError(f"the host has not answered: {error}") from error
        finally:
            with self._arrived:
                self._awaited.discard(number)
                self._answers.pop(number, None)
        if answer.kind == NOT_SENT:
            raise SendError(str(answer.meta.get("error", "the broker has not confirmed the message")))

    def _write(self, frame: bytes) -> None:
        with self._lock:
            self._frames.append(frame)
            if self._writing:
                return  # the call that we interrupt writes it when its own frame is out
            self._writing = True
            try:
                while self._rest or self._frames:
                    if not self._rest:
                        self._rest = memoryview(self._frames.popleft())
                    # A signal handler that raises leaves the rest here, for the next call to finish.
                    self._rest = self._rest[self._socket.send(self._rest) :]
            finally:
                self._writing = False

    def _answer(self, number: int) -> Frame:
        """Waits for the answer to `number`. Whoever waits first reads for all, so no thread of ours is needed."""
        while True:
            with self._arrived:
                while self._reading is not None and number not in self._answers:
                    self._arrived.wait()
                if number in self._answers:
                    return self._answers[number]
                self._reading = threading.get_ident()
            frame = None
            try:
                frame = self._next_answer()
            finally:
                with self._arrived:
                    self._reading = None
                    if frame is not None and frame.seq in self._awaited:
                        self._answers[frame.seq] = frame
                    self._arrived.notify_all()

    def _next_answer(self) -> Frame:
        while True:
            frame = self._reader.next()
            if frame.kind in (SENT, NOT_SENT):
                return frame
            if not frame.flags & OPTIONAL:
                raise ProtocolError(f"a frame of kind {frame.kind} on the calls socket")
