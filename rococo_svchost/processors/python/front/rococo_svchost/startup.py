# SPDX-License-Identifier: MIT
"""From the start of the process to the loop, and from the loop to the end of the process."""

from __future__ import annotations

import gc
import mmap
import os
import socket
import sys
import traceback
from typing import Any, Dict, NoReturn, Tuple

from . import barrier, lazy, loading, logs, signals
from .calls import Calls
from .context import state
from .frames import FENCED, HELLO, OPTIONAL, PAGE_SIZE, PROTOCOL, READY, REFUSED, STARTED, ProtocolError
from .judging import error_line, formatted
from .loading import Refusal, Service
from .worker import EXIT_REFUSED, Worker, end_in_time, flush_streams

EX_USAGE = 64


def main() -> NoReturn:
    """Runs the worker; ends the process."""
    work, calls, page = _descriptors()
    signals.prepare()
    _prepare_streams()
    # A real socket object for each, blocking: the host may have made both ends non-blocking.
    work_socket, calls_socket = socket.socket(fileno=work), socket.socket(fileno=calls)
    work_socket.setblocking(True)
    calls_socket.setblocking(True)
    words = memoryview(mmap.mmap(page, PAGE_SIZE)).cast("Q")
    os.close(page)
    words[FENCED] = barrier.take_part()  # now, while imports are still our own
    state.page, state.sender = words, Calls(calls_socket)
    worker = Worker(work_socket, state.sender, words)
    try:
        code = _serve(worker)
    except (EOFError, OSError) as error:
        if worker.forked:  # in the constructor: the sockets are the parent's
            flush_streams()
            os._exit(0)
        if not isinstance(error, (EOFError, BrokenPipeError, ConnectionResetError)):
            raise
        code = 0  # the host has gone
    except ProtocolError as error:
        logs.notice("CRITICAL", f"the host does not keep to protocol {PROTOCOL}: {error}")
        code = EXIT_REFUSED
    except Exception:
        logs.notice("CRITICAL", f"the worker has failed:\n{traceback.format_exc()}")
        code = EXIT_REFUSED
    end_in_time(code)


def prepare_spawned() -> None:
    """What a child of multiprocessing needs to import and log as its parent does."""
    lazy.install()
    logs.install_without_host()


def _descriptors() -> Tuple[int, int, int]:
    """The numbers of ROCOCO_FDS, closed to programs that the processor starts from this moment on."""
    text = os.environ.pop("ROCOCO_FDS", "")
    try:
        work, calls, page = (int(number) for number in text.split(","))
        for number in (work, calls, page):
            os.set_inheritable(number, False)
    except (ValueError, OSError):
        sys.stderr.write("This program is run by svchost, for each worker of a service that is written in Python.\n")
        sys.exit(EX_USAGE)
    return work, calls, page


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        options: Dict[str, Any] = {"line_buffering": True}
        if not os.environ.get("PYTHONIOENCODING"):
            options.update(encoding="utf-8", errors="backslashreplace")
        reconfigure(**options)


def _serve(worker: Worker) -> int:
    try:
        hello = _hello(worker)
        service = _load(worker, hello)
        queue = worker.wait_for_start()
        if queue is None:
            return 0
        state.queue = queue
        _construct(worker, service)
    except Refusal as refusal:
        flush_streams()
        worker.send(REFUSED, 0, refusal.meta())
        return EXIT_REFUSED
    gc.collect()
    gc.freeze()  # what is there now stays: later collections need not look at it
    worker.send(STARTED)
    code = worker.run()
    worker.close()
    return code


def _hello(worker: Worker) -> Dict[str, Any]:
    while True:
        frame = worker.receive()
        if frame.kind == HELLO:
            break
        if not frame.flags & OPTIONAL:
            raise ProtocolError(f"a frame of kind {frame.kind} instead of HELLO")
    hello: Dict[str, Any] = frame.meta
    if hello.get("protocol") != PROTOCOL:
        raise Refusal(
            "protocol",
            f"svchost {hello.get('host', '?')} speaks protocol {hello.get('protocol')}, {os.path.dirname(os.path.abspath(__file__))}"
            f" speaks protocol {PROTOCOL}: one of the two is too old",
        )
    state.queue = str(hello.get("queue", ""))
    state.queue_prefix = str(hello.get("queue_prefix", ""))
    state.time_limit_s = hello.get("process_timeout_us", 0) / 1e6
    state.rabbitmq = hello.get("rabbitmq")
    state.any_broker = bool(hello.get("any_broker"))  # from the test kit alone
    return hello


def _load(worker: Worker, hello: Dict[str, Any]) -> Service:
    logs.install(state.sender, str(hello.get("log_level", "INFO")))
    folder = os.path.abspath(str(hello.get("folder") or os.getcwd()))
    roots = loading.arrange_path(folder, str(hello.get("path", "")))
    rococo = lazy.install()
    service = loading.load(folder, roots, str(hello.get("work", "")), str(hello.get("module", "")), str(hello.get("type", "")))
    worker.batches = service.kind == "batches"
    worker.send(
        READY,
        0,
        {
            "protocol": PROTOCOL,
            "package": service.package,
            "version": service.version,
            "module": service.module,
            "type": service.processor.__name__,
            "kind": service.kind,
            "interpreter": f"Python {sys.version.split()[0]} ({sys.executable})",
            "rococo": rococo,
            "notes": service.notes,
        },
    )
    return service


def _construct(worker: Worker, service: Service) -> None:
    """Makes the processor. An `async def process` has its event loop before: before 3.10 queues and locks take it when they are made."""
    if loading.is_async(service.processor):
        worker.use_event_loop()
    try:
        worker.instance = service.processor()
    except BaseException as error:
        if worker.forked:
            raise
        text = f"the constructor of {service.processor.__name__} has failed: {error_line(error)}"
        raise Refusal("constructor", text, formatted(type(error), error, error.__traceback__)) from None
