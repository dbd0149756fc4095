# SPDX-License-Identifier: MIT
"""What `svchost next` says of a schedule."""

import json


def ok(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_next_tells_of_the_run_at_startup(service):
    schedule = {"EXECUTION_TYPE": "CRON", "CRON_EXPRESSIONS": "0 9 * * *"}
    said = "also at every start of the host (RUN_AT_STARTUP)"
    assert said in ok(service.run("next", **schedule, RUN_AT_STARTUP="true")).splitlines()
    assert said not in ok(service.run("next", **schedule))
    assert said not in ok(service.run("next", "0 10 * * *", **schedule, RUN_AT_STARTUP="true")), "not of the service"
    assert json.loads(ok(service.run("next", "--format", "json", **schedule, RUN_AT_STARTUP="true")))["run_at_startup"] is True


def test_next_says_durations_in_two_units(service):
    text = ok(service.run("next", "30 9 29 2 *", "--tz", "UTC", "-n", "1", "--from", "2027-01-01T10:04:31.452"))
    assert text.splitlines()[1] == "2028-02-29 09:30:00+00:00  Tue  in 423 d 23 h"


def test_next_lists_many_runs(service):
    text = ok(service.run("next", "* * * * * *", "--from", "2027-01-01", "--until", "2028-01-01"))
    assert text.endswith("… and more\n")
    assert ok(service.run("next", "0 0 * * *", "--from", "2027-01-01T12:00", "--until", "2027-01-01T13:00")).endswith("no run\n")
