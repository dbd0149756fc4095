# SPDX-License-Identifier: MIT
"""`svchost next`: the coming runs, without waiting for them."""

import json

FROM = ("--from", "2027-03-26T00:00")


def listed(service, *arguments, **settings):
    result = service.run("next", *arguments, **settings)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_of_the_service_with_its_explanation(make_cron):
    service = make_cron(CRON_EXPRESSIONS="30 9 * * MON-FRI", CRON_TIMEZONE="Europe/Berlin")
    lines = listed(service, *FROM, "-n", "3").splitlines()
    assert lines[0] == "at 09:30 on weekdays, Europe/Berlin"
    # The clock goes forward on Sunday the 28th.
    assert [line.split()[:3] for line in lines[1:]] == [
        ["2027-03-26", "09:30:00+01:00", "Fri"],
        ["2027-03-29", "09:30:00+02:00", "Mon"],
        ["2027-03-30", "09:30:00+02:00", "Tue"],
    ]


def test_ten_unless_told_otherwise(make_cron):
    service = make_cron(every=10)
    assert len(listed(service).splitlines()) == 1 + 10
    assert len(listed(service, "-n", "4").splitlines()) == 1 + 4


def test_of_an_expression_in_a_zone(make_cron):
    service = make_cron(every=10)
    text = listed(service, "0 0 * * *", "--tz", "Asia/Kolkata", *FROM, "-n", "1")
    assert "Asia/Kolkata" in text and "2027-03-26 00:00:00+05:30" in text


def test_a_year_as_json(make_cron):
    service = make_cron(CRON_EXPRESSIONS="0 12 L * *; 0 0 29 2 *", CRON_TIMEZONE="UTC")
    answer = json.loads(
        listed(service, "--from", "2027-01-01", "--until", "2028-12-31T23:59:59", "--format", "json")
    )
    assert answer["timezone"] == "UTC" and answer["cut_off"] is False
    times = [run["time"] for run in answer["runs"]]
    assert len(times) == 24 + 1, "the last of each month, and one leap day"
    leap = [run for run in answer["runs"] if run["expressions"] == ["0 0 29 2 *"]]
    assert [run["utc"] for run in leap] == ["2028-02-29T00:00:00Z"]


def test_wrong_arguments(make_cron):
    service = make_cron(every=10)
    for arguments, code, text in [
        (("60 * * * *",), 78, "60"),
        (("--tz", "Nowhere"), 78, "Nowhere"),
        (("--from", "yesterday"), 64, "--from"),
        (("--until", "2027-02-30"), 64, "--until"),
        (("--format", "xml"), 64, "xml"),
        (("-n", "-1"), 64, "-n"),
    ]:
        result = service.run("next", *arguments)
        assert (result.returncode, text in result.stderr) == (code, True), (arguments, result.stderr)
        assert result.stdout == ""
