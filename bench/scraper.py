# SPDX-License-Identifier: MIT
"""Who reads a host's metrics while it is measured, as Prometheus would, only more often."""

import contextlib
import socket
import threading
import urllib.request

EVERY_S = 1


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def scraped(port):
    """Reads `/metrics` at the port each second; gives a function that says how often there was an answer."""
    over, answers = threading.Event(), []

    def scrape():
        while not over.wait(EVERY_S):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=EVERY_S) as answer:
                answers.append(len(answer.read()))

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield lambda: len(answers)
    finally:
        over.set()
        thread.join()
