#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A host that answers the admin API and serves the page from web/, for working on the page and for its tests.

Usage: mock_host.py [--port 8080] [--scene NAME] [--schedule] [--fleet HOSTS] [--token TEXT] [--read-only] [--still]

`--still`: nothing happens by itself. Tests then make it happen by `POST /mock/CALL` (class Control); it prints its address
on a line as soon as it answers.
"""

import argparse
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

import mock_scenes
import mock_state

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; frame-ancestors 'none'"


class Fleet:
    """Many hosts, and those that vanished; `hosts` is by key."""

    def __init__(self, count, live, scene):
        self.hosts = {}
        self.gone = {}
        for at in range(count):
            queue = ("orders", "invoices", "mails")[at % 3]
            self.hosts[f"k{at}"] = mock_state.Host(f"{queue}-{at}", queue, live, scene=scene if at < 3 else "calm", seed=at)
        for at in range(3):
            # All hosts of a queue see the same dead letters; here, those of its first host.
            if f"k{at}" in self.hosts:
                depth = self.hosts[f"k{at}"].status["queue"]["depth"]["dead_letters"]
                for other in range(at + 3, count, 3):
                    self.hosts[f"k{other}"].status["queue"]["depth"]["dead_letters"] = depth

    def get(self):
        def shown(at, key, host):
            return {
                "key": key, "address": f"http://10.0.0.{at}:9464", "name": f"{host.status['queue']['name']}:9464",
                "reachable": key not in self.gone, "last_seen": self.gone.get(key, mock_state.rfc3339(time.time())),
                "error": "connection refused" if key in self.gone else "", "status": host.get("status", {})}  # fmt: skip

        return {"now": mock_state.rfc3339(time.time()), "hosts": [shown(at, *item) for at, item in enumerate(self.hosts.items())]}


class Control:
    """What a test may do: each method is `POST /mock/NAME` with its arguments; it answers what it returns."""

    def __init__(self, server):
        self.server = server

    def patch(self, status, host=None):
        target = self.server.fleet.hosts[host] if host else self.server.host
        target.status = mock_state.merged(target.status, status)

    def letters(self, add=(), hostile=False):
        made = [mock_scenes.letter(**item) for item in add] + ([mock_scenes.hostile_letter()] if hostile else [])
        for letter in made:
            self.server.host.add_letter(letter)

    def failure(self, **failure):
        self.server.host.add_failure(**failure)

    def points(self, seconds, acknowledged):
        self.server.host.add_points(seconds, acknowledged)

    def line(self, level, module, text):
        self.server.host.add_line(level, module, text)

    def restart(self):
        self.server.host.restart()

    def down(self, down):
        self.server.down = down

    def token(self, token):
        self.server.token = token

    def vanish(self, host):
        self.server.fleet.gone[host] = mock_state.rfc3339(time.time() - 300)

    def state(self):
        host = self.server.host
        of_host = {"letters": list(host.letters), "edited": host.edited, "status": host.status} if host else {}
        return {"requests": self.server.requests, **of_host}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(None)

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    def _answer(self, body):
        url = urllib.parse.urlsplit(self.path)
        with self.server.lock:
            try:
                if url.path.startswith("/mock/"):
                    self._send(200, getattr(self.server.control, url.path.removeprefix("/mock/"))(**(body or {})))
                elif self.server.down:
                    self.close_connection = True  # without an answer, as a host that has gone
                elif url.path.startswith("/api/v1/"):
                    self.server.requests.append(f"{self.command} {url.path}")
                    self._send(200, self._api(url, body))
                else:
                    self._file(url.path)
            except mock_state.Refusal as refusal:
                self._send(refusal.status, refusal.answer)

    def _api(self, url, body):
        self._check(body)
        path = urllib.parse.unquote(url.path.removeprefix("/api/v1/"))
        fleet, host = self.server.fleet, self.server.host
        if path == "fleet" and fleet:
            return fleet.get()
        if path.startswith("hosts/") and fleet:
            key, path = path.removeprefix("hosts/").split("/", 1)
            host = fleet.hosts.get(key)
            if not host or key in fleet.gone:
                raise mock_state.Refusal(502, "this host does not answer: connection refused")
        if path == "fleet" or not host:
            raise mock_state.Refusal(404, "there is nothing of that name")
        if body is not None:
            return host.post(path, body)
        return host.get(path, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)))

    def _check(self, body):
        if self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise mock_state.Refusal(401, "a token is needed: Authorization: Bearer <ADMIN_TOKEN>")
        if body is None:
            return
        if self.headers.get("Content-Type") != "application/json":
            raise mock_state.Refusal(400, "the body must be application/json")
        origin = self.headers.get("Origin")
        if origin and urllib.parse.urlsplit(origin).netloc != self.headers.get("Host"):
            raise mock_state.Refusal(403, f"the page is from {origin}, not from this host")

    def _file(self, path):
        file = (WEB / (path.lstrip("/") or "index.html")).resolve()
        if not file.is_relative_to(WEB) or file.suffix not in TYPES or not file.is_file():
            raise mock_state.Refusal(404, "there is no such file")
        self._send_bytes(200, TYPES[file.suffix], file.read_bytes())

    def _send(self, status, answer):
        self._send_bytes(status, "application/json", json.dumps(answer).encode())

    def _send_bytes(self, status, kind, content):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Handler)
        live = not options.still
        self.lock = threading.Lock()
        self.token = options.token
        self.fleet = Fleet(options.fleet, live, options.scene) if options.fleet else None
        self.host = None if self.fleet else mock_state.Host(live=live, scheduled=options.schedule, scene=options.scene)
        if options.read_only:
            for host in self.fleet.hosts.values() if self.fleet else [self.host]:
                host.status["capabilities"]["read_only"] = True
        self.down = False
        self.requests = []
        self.control = Control(self)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8080, help="0: any that is free")
    parser.add_argument("--scene", default="letters", choices=mock_scenes.SCENES)
    parser.add_argument("--schedule", action="store_true", help="a service on a schedule, and not on a queue")
    parser.add_argument("--fleet", type=int, default=0, metavar="HOSTS", help="a dashboard of so many hosts")
    parser.add_argument("--token", default="")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--still", action="store_true", help="nothing happens by itself")
    server = Server(parser.parse_args())
    print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
