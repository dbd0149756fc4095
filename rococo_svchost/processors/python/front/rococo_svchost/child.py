# SPDX-License-Identifier: MIT
"""The host's side of the protocol in Python, for tests: a worker process, its sockets and its page.

svchost has its own, in C++; this one serves the test kit's `isolated=True` and the tests of the worker. It writes whatever it is
told to write and decides nothing.
"""

from __future__ import annotations

import collections
import mmap
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Sequence, cast

from .frames import HELLO, LAST, MESSAGE, PAGE_SIZE, PROTOCOL, START, STOP, Frame, FrameReader, encode, encode_meta

_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")


class ChildTimeout(Exception):
    """The child has not said in time what was waited for."""


class Event(NamedTuple):
    """What came from the child: a frame on `work` or `calls`, or bytes of `stdout` or `stderr`. Neither: the end of that stream."""

    stream: str
    frame: Optional[Frame] = None
    data: bytes = b""


class Child:
    """A worker process. Use it in a `with` statement, which ends the process and its group.

    **Thread-safety**: one thread.
    """

    def __init__(self, python: str = sys.executable, env: Optional[Dict[str, str]] = None, cwd: Optional[str] = None) -> None:
        self._work, work = socket.socketpair()
        self._calls, calls = socket.socketpair()
        file = tempfile.TemporaryFile()
        file.truncate(PAGE_SIZE)
        self._map = mmap.mmap(file.fileno(), PAGE_SIZE)
        self.page = memoryview(self._map).cast("Q")
        numbers = (work.fileno(), calls.fileno(), file.fileno())
        environment = dict(os.environ if env is None else env)
        environment["ROCOCO_FDS"] = ",".join(str(number) for number in numbers)
        self.process = subprocess.Popen(
            [python, _MAIN],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            pass_fds=numbers,
            start_new_session=True,
        )
        work.close()
        calls.close()
        file.close()
        self._readers = {"work": FrameReader(self._work), "calls": FrameReader(self._calls)}
        self._selector = selectors.DefaultSelector()
        streams = {"work": self._work, "calls": self._calls, "stdout": self.process.stdout, "stderr": self.process.stderr}
        for name, stream in streams.items():
            self._selector.register(cast(Any, stream), selectors.EVENT_READ, name)
        self.events: List[Event] = []
        """Everything that came, in the order in which it was read."""
        self._unseen: Deque[Event] = collections.deque()  # what `wait_for` has not looked at

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.kill()
        self._selector.close()
        for stream in (self._work, self._calls, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.page.release()
        self._map.close()

    def kill(self) -> int:
        """Ends the process and all of its group; returns its exit code, negative for a signal."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.process.wait()

    # To the child.

    def write(self, frames: bytes) -> None:
        """Writes frames on the work socket, reading meanwhile what the child says, so that neither waits for the other for ever."""
        rest = memoryview(frames)
        self._work.setblocking(False)
        try:
            while rest:
                try:
                    rest = rest[self._work.send(rest) :]
                except BlockingIOError:
                    self.read(0.01)
        finally:
            self._work.setblocking(True)

    def hello(self, **values: Any) -> None:
        """Sends HELLO; values that are not given are the protocol's defaults."""
        meta: Dict[str, Any] = {
            "protocol": PROTOCOL, "host": "test", "work": "messages", "folder": os.getcwd(), "module": "", "type": "", "path": "",
            "log_level": "INFO", "worker": 0, "queue": "", "queue_prefix": "", "process_timeout_us": 0,
        }  # fmt: skip
        meta.update(values)
        self.write(encode(HELLO, 0, encode_meta(meta)))

    def start(self, queue: str = "test-queue") -> None:
        """Sends START."""
        self.write(encode(START, 0, encode_meta({"queue": queue})))

    def window(self, first: int, bodies: Sequence[bytes], metas: Optional[Sequence[Dict[str, Any]]] = None) -> int:
        """Writes a window of messages, numbered from `first`; returns the number of the last."""
        frames = []
        for index, body in enumerate(bodies):
            kind = MESSAGE | (LAST if index == len(bodies) - 1 else 0)
            frames.append(encode(kind, first + index, encode_meta(metas[index]) if metas else b"", body))
        self.page[7] = first
        self.write(b"".join(frames))
        return first + len(bodies) - 1

    def stop(self) -> None:
        """Sends STOP."""
        self.write(encode(STOP))

    def answer(self, kind: int, seq: int, **meta: Any) -> None:
        """Answers a SEND."""
        self._calls.sendall(encode(kind, seq, encode_meta(meta)))

    def close_work(self) -> None:
        """Closes the work socket: for the child, the host has gone."""
        self._selector.unregister(self._work)
        self._work.close()

    # From the child.

    def read(self, timeout: float) -> List[Event]:
        """Reads what is there, or waits up to so many seconds for something. Returns what came."""
        came: List[Event] = []
        for key, _ in self._selector.select(timeout):
            if key.data in self._readers:
                came += self._frames(key.data, key.fileobj)
            else:
                data = os.read(key.fd, 65536)
                if not data:
                    self._selector.unregister(key.fileobj)
                came.append(Event(key.data, None, data))
        self.events += came
        self._unseen += came
        return came

    def forget(self) -> None:
        """Forgets all that came so far."""
        self.events.clear()
        self._unseen.clear()

    def _frames(self, name: str, stream: Any) -> List[Event]:
        reader = self._readers[name]
        try:
            reader.more(reader.at)
        except (EOFError, ConnectionResetError):
            self._selector.unregister(stream)
            return [Event(name)]
        came = []
        while reader.complete():
            came.append(Event(name, reader.next()))
        return came

    def ended(self) -> bool:
        """Whether all four streams have ended."""
        return not self._selector.get_map()

    def wait_for(self, wanted: Callable[[Event], bool], timeout: float = 120.0) -> Event:
        """The next event that is wanted, of those that no call of this method has passed yet.

        Raises ChildTimeout after so many seconds, and EOFError when all streams have ended.
        """
        deadline = time.monotonic() + timeout
        while True:
            while self._unseen:
                event = self._unseen.popleft()
                if wanted(event):
                    return event
            if self.ended():
                raise EOFError(f"the child has ended: {self.output('stderr')}")
            self.read(min(0.5, max(0.0, deadline - time.monotonic())))
            if not self._unseen and time.monotonic() >= deadline:
                raise ChildTimeout(f"nothing of the kind within {timeout:g} s; standard error: {self.output('stderr')}")

    def wait_for_frame(self, *kinds: int, timeout: float = 120.0) -> Frame:
        """The next frame of one of these kinds on the work socket."""
        frame = self.wait_for(lambda e: e.stream == "work" and e.frame is not None and e.frame.kind in kinds, timeout).frame
        assert frame is not None
        return frame

    def wait_for_exit(self, timeout: float = 120.0) -> int:
        """Reads until the process has ended; returns its exit code. Somebody else may still hold its sockets and pipes."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            self.read(0.02)
            if time.monotonic() >= deadline:
                raise ChildTimeout(f"the child has not ended within {timeout:g} s; standard error: {self.output('stderr')}")
        while not self.ended() and self.read(0.05):
            pass
        return self.process.returncode

    def frames(self, stream: str, *kinds: int) -> List[Frame]:
        """The frames that came so far, of these kinds, or of all."""
        return [e.frame for e in self.events if e.stream == stream and e.frame is not None and (not kinds or e.frame.kind in kinds)]

    def output(self, stream: str) -> str:
        """What came so far on `stdout` or `stderr`."""
        return b"".join(event.data for event in self.events if event.stream == stream).decode("utf-8", "backslashreplace")
