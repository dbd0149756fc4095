# SPDX-License-Identifier: MIT
"""Processors that throw, time out or take the whole process down."""

import json

import pytest
from support.host import wait_until


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def dead_letters(service):
    listed = service.run("dead-letters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)


def test_a_failing_message_is_tried_with_growing_delays_and_then_a_dead_letter(service):
    service.send("ledger", body("bad", "throw"), body("good"))
    with service.start(MAX_ATTEMPTS=4, RETRY_DELAY="100ms") as host:
        host.wait_for("goes to the dead letters")
        assert host.terminate() == 0

    begins = [at for id, _, _, at in service.ledger("begin") if id == "bad"]
    assert [attempt for id, attempt, _, _ in service.ledger("begin") if id == "bad"] == [1, 2, 3, 4]
    gaps = [later - earlier for earlier, later in zip(begins, begins[1:])]
    for retry, gap in enumerate(gaps):
        assert gap >= 80_000 * 2**retry  # microseconds: 100 ms, twice as much each time, less a fifth of jitter
    assert service.ids() == ["good"]
    [letter] = dead_letters(service)
    assert (letter["reason"], letter["attempts"]) == ("max-attempts", 4)
    assert letter["error"] == "as the message asked"
    assert letter["original_queue"] == "ledger"


def test_requeue_brings_a_dead_letter_back_with_its_attempts_at_zero(service):
    service.send("ledger", body("bad", "permanent"))
    with service.start() as host:
        host.wait_for("goes to the dead letters")  # decided, and not yet written: end gently
        assert host.terminate() == 0
    [letter] = dead_letters(service)
    assert letter["reason"] == "permanent-error"

    shown = service.run("dead-letters", "show", letter["id"])
    assert json.loads(shown.stdout)["body"] == body("bad", "permanent")
    requeued = service.run("dead-letters", "requeue", letter["id"])
    assert (requeued.returncode, requeued.stdout) == (0, "1 requeued\n")
    assert dead_letters(service) == []

    with service.start() as host:
        host.wait_for("goes to the dead letters")  # decided, and not yet written: end gently
        assert host.terminate() == 0
    assert [attempt for id, attempt, _, _ in service.ledger("begin")] == [1, 1]
    assert service.run("dead-letters", "delete", "--all", "--yes").stdout == "1 deleted\n"
    assert dead_letters(service) == []


def test_a_processor_chooses_when_to_be_called_again(service):
    service.send("ledger", body("later", "retry-after:300"))
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0

    first, second = (at for _, _, _, at in service.ledger("begin"))
    assert second - first >= 300_000  # microseconds
    assert service.ids() == ["later"]


@pytest.mark.parametrize("death", ["abort", "segv"])
def test_a_message_that_kills_the_host_ends_as_a_dead_letter(service, death):
    ids = [f"innocent-{number}" for number in range(50)]
    service.send("ledger", *map(body, ids[:25]), body("killer", death), *map(body, ids[25:]))

    starts = 0
    while service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=3).returncode != 0:
        starts += 1
        assert starts < 10, "the crash loop does not end"

    assert starts == 3  # one crash for each attempt
    [letter] = dead_letters(service)
    assert (letter["reason"], letter["attempts"]) == ("crash", 3)
    assert json.loads(letter["body"])["id"] == "killer"
    assert sorted(set(service.ids())) == sorted(ids)
    # Messages merely fetched beside it are not charged.
    assert {attempt for id, attempt, _, _ in service.ledger("begin") if id != "killer"} == {1}


def test_crash_attempts_are_seen_by_a_host_that_was_running_all_along(service):
    with service.start() as survivor:
        survivor.wait_for("Consuming")
        service.send("ledger", body("killer", "abort"))
        survivor.wait()  # whoever got it first dies of it
    with service.start(MAX_ATTEMPTS=2) as host:
        host.wait()
    assert service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=2).returncode == 0
    assert [attempt for _, attempt, _, _ in service.ledger("begin")] == [1, 2]


def test_on_failure_ack_brings_back_the_original_behaviour(service):
    service.send("ledger", body("bad", "throw"), body("good"))
    result = service.run(EXIT_WHEN_FINISHED=1, ON_FAILURE="ack")

    assert result.returncode == 0
    assert "failed and is dropped (ON_FAILURE=ack): as the message asked" in result.stderr
    assert service.ids() == ["good"]
    assert dead_letters(service) == []


def test_a_body_that_is_not_json_is_a_dead_letter_and_the_host_goes_on(service):
    deep = "[" * 100_000
    service.send("ledger", "not JSON", deep, body("good"))
    result = service.run(EXIT_WHEN_FINISHED=1)

    assert result.returncode == 0
    assert service.ids() == ["good"]
    errors = sorted(letter["error"] for letter in dead_letters(service))
    assert len(errors) == 2
    assert errors[0].startswith("the body is not JSON")
    assert errors[1] == "the body nests more than 512 levels deep"


def test_a_body_of_64_mib_passes(service):
    huge = json.dumps({"id": "huge", "padding": "x" * (64 << 20)})
    service.send("ledger", huge)
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["huge"]


def test_processing_past_its_timeout_is_reported_and_cancelled(service):
    service.send("ledger", body("slow", "sleep:30000"))
    with service.start(PROCESS_TIMEOUT="200ms", LEDGER_LISTENS=1, MAX_ATTEMPTS=1) as host:
        host.wait_for("has passed PROCESS_TIMEOUT")
        host.wait_for("goes to the dead letters .*cancelled")
        assert host.terminate() == 0


def test_what_a_processor_sends_is_in_the_other_queue(make_service):
    first = make_service("first")
    first.send("ledger", body("pass-on", "send:other"))
    assert first.run(EXIT_WHEN_FINISHED=1).returncode == 0

    second = make_service(
        "second", SQLITE_PATH=first.path / ".svchost/queue.db", LedgerServiceProcessor_QUEUE_NAME="other"
    )
    with second.start() as host:
        # It sends itself the message again and again: the order stands in the body.
        wait_until(lambda: "pass-on" in second.ids())
        host.kill()
