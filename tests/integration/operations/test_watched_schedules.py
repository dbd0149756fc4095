# SPDX-License-Identifier: MIT
"""Schedules that are watched and steered while they run."""

import pytest
from support.host import ServiceFolder, wait_until


@pytest.fixture
def schedule(tmp_path, admin):
    def make(**settings):
        return ServiceFolder(
            tmp_path / "service",
            library="cron_ledger",
            **{"EXECUTION_TYPE": "CRON", "CRON_TIME_UNIT": "SECONDS", "ADMIN_PORT": admin.port, **settings},
        )

    return make


def test_a_run_can_be_asked_for(schedule, admin):
    service = schedule(CRON_TIME_AMOUNT=86400)
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        (told,) = admin.get("schedules")["items"]
        assert len(told["next"]) == 5 and not told["last"]
        assert admin.post("schedules/run") == {"started": True}
        wait_until(lambda: admin.get("schedules")["items"][0]["last"])
        (run,) = admin.get("schedules")["items"][0]["last"]
        assert run["outcome"] in ("ok", "running")
        wait_until(lambda: admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] == 1)
        assert service.run("run-now").returncode == 0
        wait_until(lambda: admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] == 2)
        assert host.terminate() == 0


def test_a_paused_schedule_skips_its_runs(schedule, admin):
    service = schedule(CRON_TIME_AMOUNT=1)
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        wait_until(lambda: admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] >= 1)
        admin.post("pause", {"reason": "a test"})
        skipped = 'rococo_schedule_skipped_total{reason="paused"}'
        wait_until(lambda: admin.metrics()[skipped] >= 1)
        ran = admin.metrics()['rococo_schedule_runs_total{outcome="ok"}']
        wait_until(lambda: admin.metrics()[skipped] >= 2)
        assert admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] == ran
        host.wait_for(r"1 run left out \(paused\)")
        admin.post("resume")
        wait_until(lambda: admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] > ran)
        assert host.terminate() == 0


def test_the_consume_file_pauses_a_schedule_too(schedule, admin, tmp_path):
    consume = tmp_path / "consume.env"
    service = schedule(CRON_TIME_AMOUNT=1, CONSUME_CONFIG_FILE_PATH=consume)
    consume.write_text("PAUSED=1\n")
    with service.start() as host:
        host.wait_for("Paused by PAUSED")
        admin.wait_for("/readyz", 200)
        wait_until(lambda: admin.metrics()['rococo_schedule_skipped_total{reason="paused"}'] >= 1)
        consume.write_text("PAUSED=0\n")
        wait_until(lambda: admin.metrics()['rococo_schedule_runs_total{outcome="ok"}'] >= 1)
        assert host.terminate() == 0
