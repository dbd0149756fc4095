# SPDX-License-Identifier: MIT
"""What no retry can mend is told in one line, with what to set, and ends with 69 or 78."""

import re

import pytest


@pytest.mark.parametrize(
    "settings, code, told",
    [
        ({"AWS_REGION": None}, 78, "AWS_REGION is not set"),
        ({"AWS_SECRET_ACCESS_KEY": None}, 78, "AWS_ACCESS_KEY_ID is set and neither"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, 78, "No AWS credentials"),
        ({"LedgerServiceProcessor_QUEUE_NAME": "no good name"}, 78, "character 3 of the name"),
        (
            {"LedgerServiceProcessor_QUEUE_NAME": "arn:aws:sqs:eu-central-1:123456789012:absent"},
            78,
            "'absent' does not exist in region eu-central-1",
        ),
        ({"AWS_PROFILE": "nobody", "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, 78, "'nobody' is in neither"),
    ],
)
def test_one_clear_line(sqs_service, tmp_path, settings, code, told):
    service = sqs_service("orders", **{"HOME": str(tmp_path), **settings})
    ended = service.run("check")
    assert ended.returncode == code, ended.stdout + ended.stderr
    output = ended.stdout + ended.stderr
    assert told in output
    assert "the-secret-of-the-test" not in output


def test_an_absent_endpoint_is_unavailable(sqs_service):
    service = sqs_service("orders", endpoint="http://127.0.0.1:1")
    ended = service.run("check")
    output = ended.stdout + ended.stderr
    assert ended.returncode == 69, output
    assert re.search(r"http://127\.0\.0\.1:1.*cannot be reached", output)
    assert "the-secret-of-the-test" not in output
