# SPDX-License-Identifier: MIT
"""Wrong values: exit code 78, and lines that name the variable, show the value, say what is allowed."""

import pytest

EVERY = {"CRON_TIME_AMOUNT": "10", "CRON_TIME_UNIT": "SECONDS"}
DAILY = {"CRON_TIME_AMOUNT": "1", "CRON_TIME_UNIT": "DAYS"}


@pytest.mark.parametrize(
    "settings, variable, value, allowed",
    [
        ({}, "CRON_EXPRESSIONS", "is not set", "CRON_TIME_AMOUNT"),
        ({**EVERY, "CRON_TIME_UNIT": "SECNDS"}, "CRON_TIME_UNIT", "SECNDS", "SECONDS"),
        ({**EVERY, "CRON_TIME_AMOUNT": "0"}, "CRON_TIME_AMOUNT", "0", "0.001|more than zero"),
        ({**EVERY, "CRON_TIME_AMOUNT": "-5"}, "CRON_TIME_AMOUNT", "-5", "0.001|more than zero"),
        ({**EVERY, "CRON_TIME_AMOUNT": "nan"}, "CRON_TIME_AMOUNT", "nan", "number"),
        ({**EVERY, "CRON_TIME_AMOUNT": "1e99"}, "CRON_TIME_AMOUNT", "1e99", "number|1000000000"),
        ({**DAILY, "CRON_RUN_AT": "25:00"}, "CRON_RUN_AT", "25:00", "HH:MM"),
        ({**EVERY, "CRON_RUN_AT": "09:30"}, "CRON_RUN_AT", "09:30", "DAYS"),
        ({"CRON_EXPRESSIONS": "0 9 * *"}, "CRON_EXPRESSIONS", "0 9 * *", "five"),
        ({"CRON_EXPRESSIONS": "0 0 9 * * * *"}, "CRON_EXPRESSIONS", "0 0 9 * * * *", "six"),
        ({"CRON_EXPRESSIONS": "*/0 * * * *"}, "CRON_EXPRESSIONS", "*/0", "1"),
        ({"CRON_EXPRESSIONS": "5-1 * * * *"}, "CRON_EXPRESSIONS", "5-1", "0"),
        ({"CRON_EXPRESSIONS": "60 * * * *"}, "CRON_EXPRESSIONS", "60", "0"),
        ({"CRON_EXPRESSIONS": "0 0 30 2 *"}, "CRON_EXPRESSIONS", "0 0 30 2 *", "never"),
        ({**EVERY, "CRON_TIMEZONE": "Europe/Berln"}, "CRON_TIMEZONE", "Europe/Berln", "Europe/Berlin"),
        ({**EVERY, "CRON_JITTER": "soon"}, "CRON_JITTER", "soon", "s"),
        ({**EVERY, "CRON_OVERLAP": "wait"}, "CRON_OVERLAP", "wait", "queue-one"),
        ({**EVERY, "CRON_MISFIRE": "never"}, "CRON_MISFIRE", "never", "once"),
        ({**EVERY, "CRON_LEADER": "zookeeper"}, "CRON_LEADER", "zookeeper", "rabbitmq"),
        ({**EVERY, "CRON_LEADER": "rabbitmq", "RABBITMQ_URL": "http://broker"}, "RABBITMQ_URL", "begin", "amqp"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_wrong_value_is_told_with_what_is_allowed(make_cron, settings, variable, value, allowed):
    ended = make_cron(**settings).run(timeout=180)
    log = ended.stdout + ended.stderr
    assert ended.returncode == 78, log
    assert variable in log and value in log, log
    assert any(text in log for text in allowed.split("|")), log
    # The schedule's own errors underline the wrong part.
    if variable == "CRON_EXPRESSIONS" and settings:
        assert "^" in log, log


def test_all_that_is_wrong_is_told_at_once(make_cron):
    ended = make_cron(CRON_EXPRESSIONS="60 * * * *; 0 0 30 2 *", CRON_TIMEZONE="Nowhere").run(timeout=180)
    log = ended.stdout + ended.stderr
    assert ended.returncode == 78
    assert all(text in log for text in ("60", "0 0 30 2 *", "Nowhere")), log
