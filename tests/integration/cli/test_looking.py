# SPDX-License-Identifier: MIT
"""Commands that only look: they write nothing, and say what there is not."""

import pytest


def written(folder):
    """Every file and folder below, with its size and its time."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "words",
    [["check"], ["config"], ["config", "--all"], ["next", "0 9 * * *"], ["next"], ["dead-letters", "list"], ["version"],
     ["dead-letters", "show", "x"], ["dead-letters", "requeue", "--all"], ["dead-letters", "delete", "--all", "--yes"]],
    ids=" ".join,
)
def test_looking_writes_nothing(service, words):
    before = written(service.path)
    service.run(*words)
    assert written(service.path) == before == {}


def test_looking_at_a_schedule_writes_nothing(make_service):
    service = make_service(
        library="cron_ledger", EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="0 9 * * *", CRON_LEADER="file",
    )
    for words in (["check"], ["config"], ["next"], ["dead-letters", "list"]):
        service.run(*words)
        assert written(service.path) == {}, words


def test_a_schedule_has_no_dead_letters_and_no_queue_to_send_to(make_service):
    service = make_service(library="cron_ledger", EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="0 9 * * *")
    for words in (["dead-letters", "list"], ["send", "{}"]):
        result = service.run(*words)
        assert result.returncode == 64
        assert result.stderr == (
            "svchost: this service runs on a schedule (EXECUTION_TYPE=CRON, environment) and has no queue; "
            "name the queue\n"
        )
