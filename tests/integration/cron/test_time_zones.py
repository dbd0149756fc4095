# SPDX-License-Identifier: MIT
"""`TZ` means the same to `run`, `next`, `check` and the log, wherever it is set, or is refused."""

import datetime
import json
import os
import re
import subprocess

import pytest
from support.host import ServiceFolder, executable

DAILY = "0 7 * * *"


def next_run(service, **settings):
    """When it runs next, as `next` says: local time with its offset, and the zone."""
    listed = service.run("next", "-n", "1", "--from", "2027-01-15T00:00Z", "--format", "json", **settings)
    assert listed.returncode == 0, listed.stderr
    answer = json.loads(listed.stdout)
    return answer["runs"][0]["time"], answer["timezone"]


def log_zone_offset(log):
    """How far the first line's clock is from UTC, to a quarter of an hour."""
    shown = datetime.datetime.strptime(re.match(r"\S+ \S+?,", log).group(), "%Y-%m-%d %H:%M:%S,")
    passed = shown - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return round(passed.total_seconds() / 900) * 15


@pytest.mark.parametrize(
    "tz, zone",
    [
        ("Asia/Kolkata", "Asia/Kolkata"),
        (":Asia/Kolkata", "Asia/Kolkata"),
        ('"Asia/Kolkata"', "Asia/Kolkata"),
        ("/usr/share/zoneinfo/Asia/Kolkata", "Asia/Kolkata"),
        ("IST-5:30", "IST-5:30"),
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env", ".env.secrets"])
def test_one_zone_for_all(make_cron, tz, zone, where):
    service = make_cron(CRON_EXPRESSIONS=DAILY)
    service.settings["TZ"] = tz
    if where != "environment":
        (service.path / where).write_text(f"TZ='{tz}'\n" if '"' not in tz else f"TZ={tz}\n")
    environment = service.environment()
    if where != "environment":
        del environment["TZ"]

    def run(*arguments):
        return subprocess.run(
            [executable("svchost"), *arguments], cwd=service.path, env=environment, capture_output=True, text=True, timeout=120
        )

    listed = run("next", "-n", "1", "--from", "2027-01-15T00:00Z")
    assert "2027-01-15 07:00:00+05:30" in listed.stdout, listed
    checked = run("check")
    assert checked.returncode == 0, checked.stderr
    assert f"Schedule: at 07:00 every day, {zone}" in checked.stderr
    assert log_zone_offset(checked.stderr) == 330
    ran = run("run", "--once")
    assert ran.returncode == 0, ran.stderr
    assert log_zone_offset(ran.stderr) == 330


def test_the_environment_counts_more_than_the_files(make_cron):
    service = make_cron(CRON_EXPRESSIONS=DAILY, TZ="Asia/Tokyo")
    (service.path / ".env").write_text("TZ=Asia/Kolkata\n")
    assert next_run(service) == ("2027-01-16T07:00:00+09:00", "Asia/Tokyo")


def test_a_posix_rule_with_its_dates(make_cron):
    service = make_cron(CRON_EXPRESSIONS=DAILY)
    rule = "EST5EDT,M3.2.0,M11.1.0"
    assert next_run(service, TZ=rule) == ("2027-01-15T07:00:00-05:00", rule)
    summer = service.run("next", "-n", "1", "--from", "2027-07-15T00:00Z", TZ=rule)
    assert "07:00:00-04:00" in summer.stdout


@pytest.mark.parametrize(
    "tz, hint",
    [
        ("Europe/Amsterdan", "did you mean Europe/Amsterdam?"),
        ("europe/amsterdam", "did you mean Europe/Amsterdam?"),
        ("/usr/share/zoneinfo/Europe/Berlim", "did you mean Europe/Berlin?"),
        ("/no/such/zone", "no file /no/such/zone"),
        ("right/Europe/Berlin", "leap seconds"),
        ("CET-1CEST", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("+02:00", "Europe/Berlin"),
    ],
)
def test_what_means_no_zone_is_refused_by_schedules(make_cron, tz, hint):
    service = make_cron(CRON_EXPRESSIONS=DAILY, TZ=tz)
    for arguments in (("check",), ("next",), ()):
        ended = service.run(*arguments, timeout=180)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 78, said
        assert "TZ=" in said and tz in said and hint in said, said
    # Who says which zone does not ask TZ.
    assert service.run("check", CRON_TIMEZONE="UTC").returncode == 0


def test_for_messages_it_is_a_warning(tmp_path):
    service = ServiceFolder(tmp_path / "service", TZ="Europe/Amsterdan", EXIT_WHEN_FINISHED="true")
    service.send("ledger", "one")
    with service.start() as host:
        host.wait_for("Consuming")
        assert host.terminate() == 0
        assert host.log().count("TZ=Europe/Amsterdan") == 1
        assert "did you mean Europe/Amsterdam?" in host.log()
    quiet = service.run("check", TZ="Europe/Amsterdam")
    assert "TZ" not in quiet.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a machine without tzdata is made by a mount of the test's own")
def test_without_tzdata_that_is_what_is_missing(make_cron, tmp_path):
    service = make_cron(CRON_EXPRESSIONS=DAILY)
    empty = tmp_path / "empty"
    empty.mkdir()

    def run(command, **settings):
        script = f"mount --bind {empty} /usr/share/zoneinfo && exec {executable('svchost')} {command}"
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script],
            cwd=service.path,
            env=service.environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
        )

    for name in ("TZ", "CRON_TIMEZONE"):
        ended = run("check", **{name: "Europe/Berlin"})
        assert ended.returncode == 78, ended
        assert "install the package tzdata" in ended.stderr and "Europe/Berlin" in ended.stderr
        assert "is no time zone" not in ended.stderr, "the name is right"
    assert run("check", TZ="UTC").returncode == 0
    assert run("check", TZ="CET-1CEST,M3.5.0,M10.5.0/3").returncode == 0
