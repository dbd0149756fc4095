# SPDX-License-Identifier: MIT
"""Retraction: what is not begun comes back, what is begun is finished, nothing is lost and nothing is done twice."""

import json
import random
import sys
import time

from fake_host import MINUTES
from rococo_svchost import barrier, frames

SLOW = """
import time

class SlowServiceProcessor:
    def process(self, message):
        if message:
            open(message, "w").close()
            while True:
                try:
                    open(message + ".go").close()
                    return
                except FileNotFoundError:
                    time.sleep(0.002)
"""


def retract(host):
    """As svchost does it. Returns the number above which nothing will begin."""
    host.page[frames.RETRACT_UP_TO] = host.seq
    host.page[frames.RETRACT_ABOVE] = host.page[frames.BEGUN]
    time.sleep(0.001)
    return host.page[frames.BEGUN]


def test_what_is_not_begun_comes_back(serve, tmp_path):
    host = serve(SLOW)
    mark = tmp_path / "mark"
    host.send('""', json.dumps(str(mark)), '""', '""')
    while not mark.exists():
        time.sleep(0.005)
    assert retract(host) == 2
    mark.with_suffix(".go").touch()
    known = len(host.child.events)
    done = host.child.wait_for_frame(frames.DONE, timeout=MINUTES)
    # The retraction reached 3 when it was about to begin; 4 is passed over without a word.
    assert done.seq == 4
    assert [e.frame.seq for e in host.child.events[known:] if e.frame.kind == frames.RETURNED] == [3]
    assert (host.page[frames.BEGUN], host.page[frames.DONE_UP_TO]) == (4, 4)
    assert host.process('""', '""') == {}
    assert host.page[frames.BEGUN] == 6


def test_it_takes_part_in_the_hosts_barriers(serve):
    """A retraction rests on it; see barrier.py. Whatever this interpreter can do, its worker can."""
    assert serve(SLOW).page[frames.FENCED] == barrier.take_part()


def test_without_ctypes_it_takes_no_part(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", None)
    assert not barrier.take_part()


def test_a_batch_comes_back_whole(serve, tmp_path):
    host = serve(
        """
        import time, os
        class BatchServiceProcessor:
            def process_batch(self, messages):
                path = messages[0]
                open(path, "w").close()
                while not os.path.exists(path + ".go"):
                    time.sleep(0.002)
        """
    )
    mark = tmp_path / "mark"
    text = json.dumps(str(mark))
    host.send(text, text, text, text, text, metas=[{"batch": 2}, {}, {"batch": 2}, {}, {"batch": 1}])
    while not mark.exists():
        time.sleep(0.005)
    assert retract(host) == 2
    mark.with_suffix(".go").touch()
    host.child.wait_for_frame(frames.DONE, timeout=MINUTES)
    assert [f.seq for f in host.child.frames("work", frames.RETURNED)] == [3, 4]
    assert (host.page[frames.BEGUN], host.page[frames.DONE_UP_TO]) == (5, 5)


def test_stress(serve, tmp_path):
    """100,000 messages and hundreds of retractions while the child runs. Its own account and ours must agree."""
    account = tmp_path / "account"
    host = serve(
        f"""
        import array
        class CountingServiceProcessor:
            def __init__(self):
                self.numbers = array.array("q")
            def process(self, message):
                self.numbers.append(message)
            def close(self):
                with open({str(account)!r}, "wb") as file:
                    self.numbers.tofile(file)
        """
    )
    rng = random.Random(7)
    total, given_back, retractions, at_last_moment = 100_000, 0, 0, 0
    ready, processed = list(range(total)), []
    window_s = 0.001  # how long a window takes of late, so that retractions fall into it on any machine
    while ready:
        numbers, ready = ready[-128:], ready[:-128]
        sent_at = time.perf_counter()
        first = host.send(*(b"%d" % number for number in numbers))
        retracts = rng.random() < 0.7
        if retracts:
            until = time.perf_counter() + rng.random() * window_s
            while time.perf_counter() < until:
                pass
            begun = max(retract(host), first - 1)
            retractions += 1
        else:
            begun = host.seq
        known = len(host.child.events)
        assert host.child.wait_for_frame(frames.DONE, timeout=MINUTES).seq == host.seq
        if not retracts:
            window_s += (time.perf_counter() - sent_at - window_s) / 4
        returned = {e.frame.seq for e in host.child.events[known:] if e.frame.kind == frames.RETURNED}
        host.child.forget()
        at_last_moment += any(seq <= begun for seq in returned)
        begun = min([begun, *(seq - 1 for seq in returned)])  # and so is all that follows what was returned
        back = [n for seq, n in enumerate(numbers, first) if seq > begun]
        processed += [n for seq, n in enumerate(numbers, first) if seq <= begun]
        given_back += len(back)
        ready += back
    assert host.stop() == 0
    import array

    counted = array.array("q")
    counted.frombytes(account.read_bytes())
    assert sorted(processed) == list(range(total))
    assert sorted(counted) == list(range(total))
    print(f"{total} messages, {retractions} retractions, {given_back} given back, {at_last_moment} of them at the last moment")
    assert retractions > 300 and given_back > 1000
