# SPDX-License-Identifier: MIT
"""A host that is paused begins nothing, loses nothing, and goes on where it stopped."""

import signal
import time

import pytest
from support.host import wait_until

# Long enough for a host that does not pause to begin something.
A_WHILE_S = 0.5


def begins_nothing(service):
    """Whether nothing is begun for a while."""
    before = len(service.ledger("begin"))
    time.sleep(A_WHILE_S)
    return len(service.ledger("begin")) == before


def test_a_pause_under_load_loses_nothing_and_begins_nothing(watched, admin, bodies):
    service = watched(NUM_THREADS=4)
    service.send("ledger", *bodies(3000, do="sleep:1"))
    with service.start() as host:
        for _ in range(5):
            done = len(service.ledger())
            wait_until(lambda: len(service.ledger()) > min(done + 100, 2990))
            assert admin.post("pause", {"reason": "a test"})["paused"]["reason"] == "a test"
            wait_until(lambda: admin.get("status")["in_hand"]["processing"] == 0)
            assert begins_nothing(service)
            assert admin.probe("/readyz") == 200 and admin.probe("/livez") == 200
            assert admin.post("resume")["was_paused"] is True
        wait_until(lambda: len(service.ledger()) >= 3000)
        assert host.terminate() == 0
    assert sorted(service.ids()) == sorted(f"m{number}" for number in range(3000))


def test_a_pause_outlasts_the_host(watched, admin, bodies):
    service = watched()
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        admin.post("pause", {"reason": "the database is being repaired"})
        assert host.terminate() == 0
    service.send("ledger", *bodies(3))
    with service.start() as host:
        host.wait_for("Still paused, by api: the database is being repaired")
        admin.wait_for("/readyz", 200)
        assert begins_nothing(service)
        assert admin.get("status")["paused"]["reason"] == "the database is being repaired"
        admin.post("resume")
        wait_until(lambda: len(service.ledger()) == 3)
        assert host.terminate() == 0
    with service.start() as host:
        host.wait_for("Consuming")
        assert "paused" not in host.log().lower()


def test_a_pause_for_a_time_ends_by_itself(watched, admin, bodies):
    service = watched()
    service.send("ledger", *bodies(1))
    with service.start():
        admin.wait_for("/readyz", 200)
        wait_until(lambda: len(service.ledger()) == 1)
        admin.post("pause", {"for_s": 1})
        service.send("ledger", *bodies(1, "later"))
        wait_until(lambda: "later0" in service.ids())
        assert admin.get("status")["paused"] is None


def test_signals_pause_resume_and_list(watched, admin, bodies, tmp_path):
    service = watched(NUM_THREADS=2)
    gate = tmp_path / "gate"
    with service.start() as host:
        host.wait_for("Consuming")
        host.process.send_signal(signal.SIGUSR1)
        host.wait_for("Paused by signal")
        service.send("ledger", *bodies(2, do=f"until:{gate}"))
        assert begins_nothing(service)
        host.process.send_signal(signal.SIGUSR2)
        host.wait_for("Resumed by signal")
        wait_until(lambda: len(service.ledger("begin")) == 2)
        host.process.send_signal(signal.SIGQUIT)
        host.wait_for(r"In hand: 0 waiting, 2 processing(.|\n)*Worker 0 has \S+ for")
        gate.touch()
        wait_until(lambda: len(service.ledger()) == 2)
        assert host.terminate() == 0


def test_paused_by_configuration_until_the_consume_file_says_otherwise(watched, admin, bodies, tmp_path):
    consume = tmp_path / "consume.env"
    consume.write_text("PAUSED=true\n")
    service = watched(CONSUME_CONFIG_FILE_PATH=consume)
    service.send("ledger", *bodies(2))
    with service.start() as host:
        host.wait_for("Paused by PAUSED")
        admin.wait_for("/readyz", 200)
        assert begins_nothing(service)
        assert "PAUSED" in admin.post("resume", expected=409)["error"]
        consume.write_text("PAUSED=false\n")
        wait_until(lambda: len(service.ledger()) == 2)


def test_a_drain_ends_a_paused_host_and_loses_nothing(watched, admin, bodies):
    service = watched()
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        admin.post("pause")
        service.send("ledger", *bodies(50))
        assert host.terminate() == 0
    with service.start(EXIT_WHEN_FINISHED=1) as host:
        admin.wait_for("/readyz", 200)
        admin.post("resume")
        assert host.wait() == 0
    assert len(service.ledger()) == 50


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"since": 3}'])
def test_a_damaged_pause_is_a_pause(watched, admin, bodies, damage):
    service = watched()
    service.send("ledger", *bodies(1))
    kept = service.path / ".svchost" / "pause" / "ledger.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(damage)
    with service.start() as host:
        host.wait_for("Still paused")
        admin.wait_for("/readyz", 200)
        assert begins_nothing(service)
        admin.post("resume")
        wait_until(lambda: len(service.ledger()) == 1)
