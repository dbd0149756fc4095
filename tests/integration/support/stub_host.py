# SPDX-License-Identifier: MIT
"""A host that answers the admin API (docs/ADMIN_API.md) as a test wants it to, at a Unix socket or a port."""

import copy
import http.server
import json
import os
import pathlib
import socketserver
import threading

STATUS = {
    "service": {"name": "OrderServiceProcessor", "language": "library", "scheduled": False},
    "host": {
        "instance": "web1-4711", "version": "1.2.0", "commit": "73ebe23", "pid": 4711,
        "started_at": "2026-12-01T10:00:00.000Z", "now": "2026-12-01T14:00:00.000Z", "uptime_s": 14400,
    },
    "phase": "running", "ready": True, "live": True, "remarks": [],
    "queue": {
        "name": "orders", "system": "rabbitmq", "endpoint": "amqp://guest@localhost:5672/",
        "connection": {"state": "consuming", "reason": "", "since": "2026-12-01T10:00:00.000Z", "reconnects": 0},
        "depth": {"ready": 12, "in_hand": 3, "retry": 0, "dead_letters": 4, "at": "2026-12-01T13:59:59.000Z"},
    },
    "paused": None, "workers": 4,
    "in_hand": {"waiting": 10, "processing": 4, "settling": 0, "busy_workers": 4, "oldest_s": 3.2, "prefetch": 64},
    "totals": {"consumed": 1000, "acknowledged": 980, "retried": 10, "dead_lettered": 4, "dropped": 0, "lost": 0},
    "rates": {"window_s": 10, "acknowledged": 98.2, "failed": 0.4, "p50_s": 0.002, "p99_s": 0.030},
    "schedule": None,
    "process": {"cpu_s": 1.2, "resident": 15000000, "descriptors": 24, "children": 0},
    "log_level": "INFO",
    "capabilities": {"pause": True, "run_now": False},
}  # fmt: skip


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    request_queue_size = 64


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class StubHost:
    """`status` may be changed while it runs; `refuses` maps an action to (status, sentence); `asked` is what it was told:
    (action, body, headers)."""

    def __init__(self, state_dir=None, name="web1-4711"):
        self.name = name
        self.status = copy.deepcopy(STATUS)
        self.status["host"]["instance"] = name
        self.live = self.ready = True
        self.remarks = []
        self.refuses = {}
        self.asked = []
        self.tokens = []
        if state_dir is None:
            self.socket = None
            self._server = _Server(("127.0.0.1", 0), self._handler())
            self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        else:
            run = pathlib.Path(state_dir) / "run"
            run.mkdir(parents=True, exist_ok=True)
            self.socket = run / f"{name}.sock"
            # Through its folder, because an address has room for 107 bytes only.
            folder = os.open(run, os.O_DIRECTORY | os.O_CLOEXEC)
            self._server = _UnixServer(f"/proc/self/fd/{folder}/{self.socket.name}", self._handler())
            os.close(folder)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def kill(self):
        """Its socket's file stays, as that of a host that was killed."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        if self.socket:
            os.unlink(self.socket)

    def _probe(self, well):
        return (200 if well else 503), {"status": "ok" if well else "failed", "phase": "running", "paused": False, "remarks": self.remarks}

    def get(self, path):
        answers = {
            "/livez": lambda: self._probe(self.live),
            "/readyz": lambda: self._probe(self.ready),
            "/api/v1/status": lambda: (200, self.status),
            "/api/v1/in-hand": lambda: (200, {"items": [{"worker": 0, "message": "order-17", "running_for_s": 3.2, "overdue": False}], "waiting": 10}),
            "/api/v1/failures": lambda: (200, {"items": [
                {"at": "2026-12-01T13:59:00.000Z", "message": "order-9", "attempt": 2, "outcome": "retry", "error": "no such customer"}]}),
        }  # fmt: skip
        return answers.get(path, lambda: (404, {"error": "There is nothing at this path."}))()

    def post(self, action, body):
        if action in self.refuses:
            status, sentence = self.refuses[action]
            return status, {"error": sentence}
        if action == "pause":
            until = "2026-12-01T14:10:00.000Z" if "for_s" in body else None
            self.status["paused"] = {"reason": body.get("reason", ""), "by": "api", "since": "2026-12-01T14:00:00.000Z", "until": until}
            return 200, {"paused": self.status["paused"]}
        if action == "resume":
            was_paused, self.status["paused"] = self.status["paused"] is not None, None
            return 200, {"paused": None, "was_paused": was_paused}
        if action == "schedules/run":
            return 200, {"started": True}
        return 404, {"error": "There is nothing at this path."}

    def _handler(self):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "socket"

            def log_message(self, *_):
                pass

            def do_GET(self):
                host.tokens.append(self.headers.get("Authorization"))
                self._answer(*host.get(self.path.partition("?")[0]))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                action = self.path.removeprefix("/api/v1/")
                host.asked.append((action, body, dict(self.headers)))
                self._answer(*host.post(action, body))

            def _answer(self, status, document):
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler
