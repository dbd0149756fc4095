# SPDX-License-Identifier: MIT
"""A worker that is killed at any moment: the page says what was done, what was in hand, and what was not begun."""

import os
import random
import signal
import time

from fake_host import MINUTES
from rococo_svchost import frames

PROCESSOR = """
import os

class LedgerServiceProcessor:
    def __init__(self):
        self.file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def process(self, message):
        os.write(self.file, b"%d\\n" % message)
"""


def test_kills_at_random(serve, tmp_path):
    ledger = tmp_path / "ledger"
    rng = random.Random(11)
    charged = cut_off = 0
    window_s = None  # how long a window takes here, so that the kills fall into it
    for _ in range(26):
        ledger.write_text("")
        host = serve(PROCESSOR, env={"LEDGER": str(ledger)})
        host.process("0")
        host.send(*(str(number) for number in range(2, 1002)))
        if window_s is None:
            began = time.perf_counter()
            host.wait_done()
            window_s = time.perf_counter() - began
        else:
            time.sleep(rng.random() * window_s * 1.2)
        os.kill(host.pid, signal.SIGKILL)
        host.child.wait_for_exit(MINUTES)
        begun, done = host.page[frames.BEGUN], host.page[frames.DONE_UP_TO]
        written = [int(line) for line in ledger.read_text().split()[1:]]
        assert begun in (done, done + 1)
        # All that is done was processed; one more at most, which is the one that is charged; nothing that was not begun.
        assert written in (list(range(2, done + 1)), list(range(2, begun + 1)))
        charged += begun > done
        cut_off += 1 < done < 1001
        host.child.__exit__()
    print(f"{charged} of 26 kills charged a message, {cut_off} were within the window")
