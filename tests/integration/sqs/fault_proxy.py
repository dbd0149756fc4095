# SPDX-License-Identifier: MIT
"""A proxy before the SQS emulator that does to answers what networks and services do to them."""

import http.client
import http.server
import json
import random
import socket
import struct
import threading
import time
import urllib.parse

# What may happen to a request. The soak draws from all of them; a test of one host from what it names.
FAULTS = ["5xx", "throttled", "truncated", "html", "late", "cut", "reset", "partial"]

THROTTLED = b'{"__type":"com.amazonaws.sqs#RequestThrottled","message":"Rate exceeded"}'


def part(body):
    """Of a batch of several, the request without its last entry, and that entry's id; nothing of another request."""
    request = json.loads(body)
    entries = request.get("Entries", [])
    if len(entries) < 2:
        return None
    request["Entries"] = entries[:-1]
    return json.dumps(request).encode(), entries[-1]["Id"]


def with_failures(data, left_out):
    answer = json.loads(data)
    failed = {"Id": left_out, "Code": "InternalError", "Message": "not now", "SenderFault": False}
    answer["Failed"] = [*(answer.get("Failed") or []), failed]
    return json.dumps(answer).encode()


class FaultProxy:
    """Passes requests on; a share of them is answered wrongly, before or after SQS has acted."""

    def __init__(self, target, seed=1):
        self.rng = random.Random(seed)
        self.share = 0.0
        self.faults = FAULTS[:6]
        self.requests = 0
        self.injected = {}
        proxy, host = self, urllib.parse.urlsplit(target).netloc

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.requests += 1
                fault, parted = proxy.choose(), None
                if fault == "5xx":
                    return self.answer(503, b"<html>busy</html>", "text/html")
                if fault == "throttled":
                    return self.answer(400, THROTTLED)
                if fault == "partial" and (parted := part(body)):
                    body, left_out = parted
                # From here on SQS has done it, and its answer suffers.
                upstream = http.client.HTTPConnection(host, timeout=180)
                upstream.request("POST", "/", body, {k: v for k, v in self.headers.items() if k not in ("Connection", "Content-Length")})
                response = upstream.getresponse()
                status, data = response.status, response.read()
                upstream.close()
                if fault == "partial" and parted and status == 200:
                    data = with_failures(data, left_out)
                if fault == "reset":
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    return None
                if fault == "truncated":
                    data = data[: len(data) // 2]
                elif fault == "html":
                    data = b"<html>Please log in</html>"
                elif fault == "late":
                    time.sleep(0.5)
                elif fault == "cut":
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data) + 100))
                    self.end_headers()
                    self.wfile.write(data)
                    self.close_connection = True
                    return None
                return self.answer(status, data)

            def answer(self, status, data, kind="application/x-amz-json-1.0"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # the host was killed

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def choose(self):
        if self.rng.random() >= self.share:
            return None
        fault = self.rng.choice(self.faults)
        self.injected[fault] = self.injected.get(fault, 0) + 1
        return fault

    def close(self):
        self.server.shutdown()
        self.server.server_close()
