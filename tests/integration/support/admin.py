# SPDX-License-Identifier: MIT
"""A client of a host's admin server, of the standard library alone."""

import http.client
import json
import re

from support.host import wait_until

# No answer of a host that lives takes so long.
TIMEOUT_S = 120


class Admin:
    """Asks the host that listens on this port of loopback."""

    def __init__(self, port, token=None):
        self.port, self.token = port, token

    def request(self, method, path, body=None, **headers):
        """(status, body as text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            if self.token:
                headers["Authorization"] = f"Bearer {self.token}"
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def probe(self, path):
        """The status of a probe; none while nobody listens."""
        try:
            return self.request("GET", path)[0]
        except ConnectionRefusedError:
            return None

    def wait_for(self, path, status):
        wait_until(lambda: self.probe(path) == status, what=lambda: f"{path} is {self.probe(path)}, not {status}")

    def get(self, path):
        status, body = self.request("GET", f"/api/v1/{path}")
        assert status == 200, body
        return json.loads(body)

    def post(self, path, body=None, expected=200):
        status, text = self.request("POST", f"/api/v1/{path}", body or {})
        assert status == expected, text
        return json.loads(text)

    def metrics(self):
        """The value of each series, by its name with its labels as they are printed."""
        status, text = self.request("GET", "/metrics")
        assert status == 200
        return {name: float(value) for name, value in re.findall(r"^([^#\s].*) (\S+)$", text, re.M)}

    def settled(self):
        """How many messages were settled, by outcome and reason, without those of which there were none."""
        found = {}
        for series, value in self.metrics().items():
            match = re.fullmatch(r'rococo_messages_settled_total\{queue="[^"]*",outcome="(\w+)",reason="(\w+)"\}', series)
            if match and value:
                found[match.groups()] = int(value)
        return found
