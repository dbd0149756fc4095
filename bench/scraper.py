# SPDX-License-Identifier: MIT
"""Who reads a host's metrics while it is measured, as Prometheus would, only more often."""

import contextlib
import pathlib
import sys
import threading
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/integration/support"))

from ports import free_port  # noqa: E402, F401 - for those who are scraped

EVERY_S = 1
UNTIL_IT_LISTENS_S = 0.02


@contextlib.contextmanager
def scraped(port):
    """Reads `/metrics` at the port as soon as somebody listens, then each second. Fails if there was never an answer."""
    over, answered = threading.Event(), threading.Event()

    def scrape():
        while not over.wait(EVERY_S if answered.is_set() else UNTIL_IT_LISTENS_S):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=EVERY_S) as answer:
                answer.read()
                answered.set()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if not answered.is_set():
        raise RuntimeError(f"nobody answered at port {port}: what was measured is no scraped host")
