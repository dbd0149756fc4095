# SPDX-License-Identifier: MIT
"""What hosts count is what happened, message for message."""

import collections

import pytest
from support.host import wait_until


def test_every_message_is_counted_by_what_became_of_it(watched, admin, bodies):
    service = watched(NUM_THREADS=4, MAX_ATTEMPTS=3, RETRY_DELAY="1ms", ON_FAILURE="retry")
    service.send("ledger", *bodies(2000, "ok"))
    service.send("ledger", *bodies(300, "bad", do="throw"), *bodies(200, "never", do="permanent"))
    service.send("ledger", *bodies(150, "later", do="retry-after:1"))
    expected = {
        ("ack", "ok"): 2000 + 150,
        ("retry", "error"): 300 * 2,
        ("retry", "retry_after"): 150,
        ("dead_letter", "max_attempts"): 300,
        ("dead_letter", "permanent"): 200,
    }
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        wait_until(lambda: sum(admin.settled().values()) >= sum(expected.values()), what=admin.settled)
        assert admin.settled() == expected

        metrics = admin.metrics()
        begun = collections.Counter(event[0] for event in service.ledger("begin"))
        assert metrics[counted("messaging_client_consumed_messages_total", "receive")] == sum(begun.values())
        durations = {end: metrics[duration(end)] for end in ("", "error", "permanent", "retry_after", "timeout")}
        assert durations == {"": 2150, "error": 900, "permanent": 200, "retry_after": 150, "timeout": 0}
        assert metrics['rococo_queue_time_seconds_count{queue="ledger"}'] == 2000 + 300 + 200 + 150
        assert metrics['rococo_end_to_end_seconds_count{queue="ledger"}'] == 2150
        dead = 'rococo_queue_messages{queue="ledger",state="dead_letter"}'
        wait_until(lambda: admin.metrics()[dead] == 500, what=lambda: admin.metrics()[dead])
        totals = admin.get("status")["totals"]
        assert (totals["acknowledged"], totals["retried"], totals["dead_lettered"]) == (2150, 750, 500)
        assert host.terminate() == 0
    assert "2150 acknowledged, 750 retried, 500 dead-lettered" in host.log()


def counted(family, operation):
    labels = f'messaging_system="sqlite",messaging_destination_name="ledger",messaging_operation_name="{operation}"'
    return f"{family}{{{labels}}}"


def duration(end):
    series = counted("messaging_process_duration_seconds_count", "process")
    return series if not end else f'{series[:-1]},error_type="{end}"}}'


def test_dropped_messages_and_sends_are_counted(watched, admin, bodies):
    service = watched(ON_FAILURE="ack")
    service.send("ledger", *bodies(7, "bad", do="throw"), *bodies(5, "next", do="send:others"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 12)
        assert admin.settled() == {("dropped", "error"): 7, ("ack", "ok"): 5}
        sent = 'messaging_client_sent_messages_total{messaging_system="sqlite",messaging_destination_name="others"'
        assert [value for series, value in admin.metrics().items() if series.startswith(sent)] == [5]


def test_a_call_past_process_timeout_is_counted(watched, admin, bodies):
    service = watched(PROCESS_TIMEOUT="200ms", LEDGER_LISTENS=1, MAX_ATTEMPTS=1)
    service.send("ledger", *bodies(1, do="sleep:240000"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 1)
        # The watchdog looks every 100 ms; the call may have ended by itself before.
        wait_until(lambda: admin.metrics()['rococo_process_timeouts_total{queue="ledger"}'] == 1)
        assert admin.metrics()[duration("timeout")] == 1


def test_a_crashed_process_of_a_processor_is_counted(watched, admin, bodies):
    service = watched(PROCESSOR_ISOLATION="process", MAX_ATTEMPTS=2)
    service.send("ledger", *bodies(1, do="segv"))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and admin.settled().get(("dead_letter", "max_attempts")))
        assert admin.metrics()['rococo_crashes_total{queue="ledger"}'] == 2


@pytest.mark.parametrize("value, words", [("1,0.5", "rise"), ("fast", "METRICS_BUCKETS=fast"), ("0.1,-1", "METRICS_BUCKETS")])
def test_buckets_that_are_none_are_refused(watched, value, words):
    refused = watched(METRICS_BUCKETS=value).run("run")
    assert refused.returncode == 78
    assert words in refused.stderr


def test_buckets_are_as_configured(watched, admin, bodies):
    service = watched(METRICS_BUCKETS="0.5, 240")
    service.send("ledger", *bodies(3))
    with service.start():
        wait_until(lambda: admin.probe("/readyz") == 200 and sum(admin.settled().values()) == 3)
        bounds = [series for series in admin.metrics() if series.startswith("messaging_process_duration_seconds_bucket")]
        assert sum("error_type" not in series for series in bounds) == 3
