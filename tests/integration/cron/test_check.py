# SPDX-License-Identifier: MIT
"""`svchost check` finds what `svchost run` would refuse, with the same exit code, and writes nothing."""

import os

import pytest

DAILY = {"CRON_EXPRESSIONS": "0 7 * * *"}


def files(folder):
    """What there is below a folder, but for what the embedded queue's settings make."""
    return sorted(str(path) for path in folder.rglob("*") if ".svchost" not in path.parts)


@pytest.mark.parametrize(
    "settings, word",
    [
        ({}, "CRON_EXPRESSIONS is not set"),
        ({"CRON_EXPRESSIONS": "0 0 31 2 *"}, "never fires"),
        ({"CRON_EXPRESSIONS": "61 * * * *"}, "61"),
        ({**DAILY, "CRON_TIMEZONE": "Mars/Base"}, "Mars/Base"),
        ({**DAILY, "TZ": "Europe/Amsterdan"}, "Europe/Amsterdam"),
        ({"CRON_TIME_AMOUNT": "1", "CRON_TIME_UNIT": "DAYS", "CRON_RUN_AT": "25:00"}, "25:00"),
        ({**DAILY, "CRON_MISFIRE": "never"}, "CRON_MISFIRE"),
        ({**DAILY, "CRON_OVERLAP": "wait"}, "CRON_OVERLAP"),
        ({**DAILY, "STATE_DIR": "a-file/state"}, "STATE_DIR"),
        ({**DAILY, "CRON_LEADER": "sqlite", "SQLITE_PATH": "a-file/queue.db"}, "a-file/queue.db-leader-"),
        ({**DAILY, "CRON_LEADER": "sqlite", "SQLITE_PATH": "other", "CRON_LEADER_NAME": "x"}, "is no leader file"),
        ({**DAILY, "CRON_LEADER": "rabbitmq", "RABBITMQ_URL": "http://broker"}, "RABBITMQ_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_run_refuses_check_refuses_in_the_same_words(make_cron, settings, word):
    service = make_cron(**settings)
    (service.path / "a-file").write_text("not a folder")
    (service.path / "other-leader-x").write_text("not a leader file\n")
    before = files(service.path)
    checked = service.run("check")
    assert files(service.path) == before, "check writes nothing"
    assert checked.returncode in (69, 78), checked.stderr
    assert word in checked.stderr, checked.stderr
    assert "All is well" not in checked.stderr
    ran = service.run(timeout=180)
    assert ran.returncode == checked.returncode, ran.stderr
    assert word in ran.stderr, ran.stderr


def test_a_broker_that_is_away_is_told_with_69(make_cron):
    checked = make_cron(**DAILY, CRON_LEADER="rabbitmq", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=1).run("check")
    assert checked.returncode == 69, checked.stderr
    assert "127.0.0.1:1" in checked.stderr


@pytest.mark.parametrize("leader", ["none", "sqlite"])
def test_a_schedule_that_is_right_leaves_no_trace(make_cron, leader):
    service = make_cron(**DAILY, STATE_DIR="state/of/it", CRON_LEADER=leader, SQLITE_PATH="queues/queue.db")
    checked = service.run("check")
    assert checked.returncode == 0, checked.stderr
    assert "Schedule: at 07:00 every day" in checked.stderr and "Next run: " in checked.stderr
    assert "All is well" in checked.stderr
    assert files(service.path) == []


def test_a_record_that_is_damaged_is_told(make_cron):
    service = make_cron(**DAILY, STATE_DIR="state")
    (service.path / "state").mkdir()
    (service.path / "state" / "schedule-CronLedger.json").write_text("{")
    checked = service.run("check")
    assert checked.returncode == 0, checked.stderr
    assert "is damaged" in checked.stderr


def test_checking_takes_nothing_from_a_leader(make_cron):
    service = make_cron(every=3600, CRON_LEADER="sqlite", SQLITE_PATH="queue.db")
    with service.start() as host:
        host.wait_for("This replica leads now")
        leader_file = next(service.path.glob("queue.db-leader-*"))
        assert leader_file.stat().st_mode & 0o777 == 0o600
        for _ in range(3):
            assert service.run("check").returncode == 0
        assert host.terminate() == 0
        assert "does not lead" not in host.log()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_refused(make_cron):
    service = make_cron(**DAILY, STATE_DIR="state")
    (service.path / "state").mkdir(mode=0o500)
    for ended in (service.run("check"), service.run(timeout=180)):
        assert ended.returncode == 78
        assert "STATE_DIR" in ended.stderr
