# SPDX-License-Identifier: MIT
"""A small host: starts a worker for a service in a folder, sends it windows, retracts, and keeps the books."""

import pathlib
import sys
import textwrap
import time

PYTHON_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "rococo_svchost" / "processors" / "python"
FRONT = PYTHON_FOLDER / "front"
if str(FRONT) not in sys.path:
    sys.path.insert(0, str(FRONT))

from rococo_svchost import frames  # noqa: E402
from rococo_svchost.child import Child  # noqa: E402

MINUTES = 180.0  # a test waits for events, not for the machine: this only ends one that hangs


class Refused(Exception):
    """The child has refused the service; `meta` is what it said."""

    def __init__(self, meta, code):
        super().__init__(meta["text"])
        self.meta = meta
        self.code = code


def write_files(folder, files):
    """Writes files under a folder: {relative path: text or bytes}. Texts may be indented."""
    for name, content in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")


class FakeHost:
    """A worker that has started; its end is the end of the `with` statement. Raises Refused."""

    def __init__(self, folder, python=sys.executable, env=None, cwd=None, queue="orders", **hello):
        self.child = Child(python=str(python), env=env, cwd=cwd or str(folder))
        self.seq = 0
        self.ready = {}
        try:
            self.child.hello(**{"folder": str(folder), **hello})
            self.ready = self._expect(frames.READY)
            self.child.start(queue)
            self._expect(frames.STARTED)
        except BaseException:
            self.child.__exit__()
            raise

    def _expect(self, kind):
        frame = self.child.wait_for_frame(kind, frames.REFUSED, timeout=MINUTES)
        if frame.kind == frames.REFUSED:
            raise Refused(frame.meta, self.child.wait_for_exit(MINUTES))
        return frame.meta

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.child.__exit__()

    @property
    def pid(self):
        return self.child.process.pid

    @property
    def page(self):
        return self.child.page

    def send(self, *bodies, metas=None):
        """Writes a window of messages, texts or bytes; returns the number of the first."""
        first = self.seq + 1
        data = [body.encode() if isinstance(body, str) else body for body in bodies]
        self.seq = self.child.window(first, data, metas)
        return first

    def process(self, *bodies, metas=None, timeout=MINUTES):
        """Sends a window and waits for its DONE. Returns the FAILED frames' metadata by number."""
        self.send(*bodies, metas=metas)
        return self.wait_done(timeout)

    def wait_done(self, timeout=MINUTES):
        """Waits until the window in hand is done; as `process`."""
        done = self.child.wait_for(
            lambda e: e.stream == "work" and e.frame is not None and e.frame.kind == frames.DONE and e.frame.seq == self.seq, timeout
        )
        assert done.frame.seq == self.seq
        assert self.page[frames.DONE_UP_TO] == self.seq
        first = self.page[frames.FIRST]
        return {frame.seq: frame.meta for frame in self.child.frames("work", frames.FAILED) if frame.seq >= first}

    def run(self, **meta):
        """One run of a cron processor. Returns the metadata of its FAILED, or None."""
        self.seq += 1
        self.page[frames.FIRST] = self.seq
        self.child.write(frames.encode(frames.RUN, self.seq, frames.encode_meta(meta)))
        return self.wait_done().get(self.seq)

    def log_frames(self, wait_for=None):
        """The LOG frames so far; waits for one that contains `wait_for`."""
        deadline = time.monotonic() + MINUTES
        while True:
            self.child.read(0.0)
            found = self.child.frames("calls", frames.LOG)
            if wait_for is None or any(wait_for in frame.payload.decode() for frame in found):
                return found
            assert time.monotonic() < deadline and not self.child.ended(), f"{wait_for!r} was not logged"
            self.child.read(0.2)

    def logged(self, wait_for=None):
        """The texts of all log lines so far; waits for one that contains `wait_for`."""
        return [frame.payload.decode() for frame in self.log_frames(wait_for)]

    def printed(self, wait_for, stream="stdout"):
        """Waits until something was printed; returns all that was."""
        deadline = time.monotonic() + MINUTES
        while wait_for not in self.child.output(stream):
            assert time.monotonic() < deadline, f"{wait_for!r} was not printed"
            self.child.read(0.2)
        return self.child.output(stream)

    def stop(self):
        """STOP, and the exit code."""
        self.child.stop()
        return self.child.wait_for_exit(MINUTES)
