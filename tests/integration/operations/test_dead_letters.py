# SPDX-License-Identifier: MIT
"""Dead letters, brought back by way of a running host."""

import json
import pathlib
import re

from support.host import wait_until
from support.python_endurance import MEMORY_COUNTS


def test_what_was_shown_comes_back_and_what_came_since_stays(watched, admin, bodies):
    service = watched(MAX_ATTEMPTS=1)
    service.send("ledger", *bodies(5, "bad", do="permanent"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 5)
        shown = admin.get("dead-letters")
        assert (shown["count"], len(shown["items"])) == (5, 5)
        assert {item["reason"] for item in shown["items"]} == {"permanent-error"}
        ids = [item["id"] for item in shown["items"]]
        assert json.loads(admin.get(f"dead-letters/{ids[0]}")["body"])["do"] == "permanent"

        service.send("ledger", *bodies(1, "new", do="permanent"))
        wait_until(lambda: sum(admin.settled().values()) == 6)
        assert admin.post("dead-letters/requeue", {"all": 5}, expected=409)["count"] == 6
        assert admin.post("dead-letters/requeue", {"ids": ids[:2]}) == {"requeued": 2}
        wait_until(lambda: sum(admin.settled().values()) == 8)
        assert admin.post("dead-letters/delete", {"ids": ids[2:3]}) == {"deleted": 1}
        assert admin.get("dead-letters?refresh=1")["count"] == 5


def peak_mib(host):
    status = pathlib.Path(f"/proc/{host.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


def test_a_listing_does_not_hold_the_bodies(watched, admin, bodies):
    service = watched(MAX_ATTEMPTS=1)
    for number in range(120):
        service.send("ledger", *bodies(1, f"bad{number}-", do="permanent", padding="x" * 1_000_000))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 120)
    with service.start() as host:
        wait_until(lambda: admin.probe("/readyz") == 200)
        before = peak_mib(host)
        items = admin.get("dead-letters")["items"]
        assert len(items) == 120 and min(item["size"] for item in items) > 1_000_000
        # Under a sanitizer, memory that was freed stays for a while.
        assert not MEMORY_COUNTS or peak_mib(host) - before < 30


def test_an_edited_letter_is_processed_as_edited(watched, admin, bodies):
    service = watched(MAX_ATTEMPTS=1)
    service.send("ledger", *bodies(1, "bad", do="permanent"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 1)
        (letter,) = admin.get("dead-letters")["items"]
        edited = admin.post(f"dead-letters/{letter['id']}/edit", {"body": '{"id": "mended"}'})
        assert edited["id"] != letter["id"]
        wait_until(lambda: "mended" in service.ids())
        assert admin.get("dead-letters?refresh=1")["count"] == 0


def test_failures_and_what_is_in_hand_are_told(watched, admin, bodies, tmp_path):
    gate = tmp_path / "gate"
    service = watched(MAX_ATTEMPTS=1)
    service.send("ledger", *bodies(1, "bad", do="throw"), *bodies(1, "slow", do=f"until:{gate}"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and admin.get("in-hand")["items"])
        (failure,) = admin.get("failures")["items"]
        assert (failure["outcome"], failure["reason"]) == ("dead_letter", "max_attempts")
        assert failure["error"] == "as the message asked"
        assert any("goes to the dead letters" in line["text"] for line in admin.get("log?after=0")["items"])
        gate.touch()


def test_the_level_of_the_log_can_be_changed(watched, admin):
    service = watched()
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        assert admin.post("log-level", {"level": "DEBUG"}) == {"level": "DEBUG"}
        host.wait_for("The log's level is DEBUG now")
        assert admin.get("status")["log_level"] == "DEBUG"
        admin.post("log-level", {"level": "LOUD"}, expected=400)
