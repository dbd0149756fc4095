# SPDX-License-Identifier: MIT
"""`svchost send`: what arrives, and what is said about it."""

import json
import os
import pty
import re
import subprocess

from support.host import executable
from support.scripted_broker import ScriptedBroker


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def ok(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


def bodies_of(service, queue="ledger"):
    """What is in a queue, by a processor that keeps failing: dead letters are listed with everything."""
    drained = service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=1, LedgerServiceProcessor_QUEUE_NAME=queue)
    assert drained.returncode == 0, drained.stderr
    return json.loads(ok(service.run("dead-letters", "list", "--queue", queue, "--json")))


def test_send_one_message(service):
    result = service.run("send", "ledger", body("one"))
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"sent 1 message to ledger at sqlite:{service.path}/.svchost/queue.db\n"
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["one"]


def test_send_to_the_services_own_queue(service):
    result = service.run("send", body("one"), QUEUE_NAME_PREFIX="dev_")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"sent 1 message to dev_ledger at sqlite:{service.path}/.svchost/queue.db\n"
    result = service.run("send", "-", input=body("two") + "\n", QUEUE_NAME_PREFIX="dev_")
    assert result.returncode == 0, result.stderr
    assert service.run("send", "plain text", "--content-type", "text/plain", QUEUE_NAME_PREFIX="dev_").returncode == 0
    assert service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=1, QUEUE_NAME_PREFIX="dev_").returncode == 0
    assert service.ids() == ["one", "two"]


def test_send_to_a_queue_that_is_new_or_lacks_the_prefix_warns(service):
    service.settings["QUEUE_NAME_PREFIX"] = "dev_"
    assert "warning" not in service.run("send", "dev_ledger", "{}").stderr, "the service's own may be new"
    slip = service.run("send", "dev_ledgr", "{}")
    assert slip.returncode == 0
    assert slip.stderr.splitlines()[1] == (
        "svchost: warning: queue dev_ledgr did not exist: made it; did you mean dev_ledger?"
    )
    assert "warning" not in service.run("send", "dev_ledgr", "{}").stderr, "it is there now"
    bare = service.run("send", "ledger", "{}")
    assert bare.returncode == 0
    assert bare.stderr.splitlines()[1] == (
        "svchost: warning: queue ledger lacks the prefix of this folder's queues "
        "(QUEUE_NAME_PREFIX=dev_, environment); did you mean dev_ledger?"
    )
    many = service.run("send", "dev_new", "-", input="1\n2\n")
    assert "2 sent" in many.stderr and "queue dev_new did not exist: made it" in many.stderr
    assert "warning" not in service.run("send", "dev_newer", "-", input="").stderr, "nothing was sent"


def test_send_to_a_new_queue_of_rabbitmq_says_the_same(service):
    with ScriptedBroker() as broker:
        service.settings.update(
            MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=str(broker.port)
        )
        place = f"at amqp://guest@127.0.0.1:{broker.port}/"
        slip = service.run("send", "legder", "{}")
        assert (slip.returncode, slip.stderr.splitlines()) == (
            0,
            [
                f"sent 1 message to legder {place}",
                "svchost: warning: queue legder did not exist: made it; did you mean ledger?",
            ],
        )
        again = service.run("send", "legder", "{}")
        assert (again.returncode, again.stderr) == (0, f"sent 1 message to legder {place}\n"), "it is there now"
        own = service.run("send", "{}")
        assert (own.returncode, own.stderr) == (0, f"sent 1 message to ledger {place}\n"), "the service's own may be new"
        assert broker.ready("legder") == 2 and broker.ready("ledger") == 1


def test_send_to_a_queue_file_that_a_full_disk_left_empty(service):
    queue_file = service.path / ".svchost/queue.db"
    queue_file.parent.mkdir()
    queue_file.touch()
    result = service.run("send", "other", "{}")
    assert result.returncode == 0, result.stderr
    assert "queue other did not exist: made it" in result.stderr


def test_send_that_fails_at_once_says_only_why(service):
    folder = os.open(service.path, os.O_RDONLY)
    sent = subprocess.run(
        [executable("svchost"), "send", "ledger", "-"], cwd=service.path, env=service.environment(),
        stdin=folder, capture_output=True, text=True,
    )
    os.close(folder)
    assert (sent.returncode, sent.stderr) == (69, "svchost: cannot read standard input: Is a directory\n")


def test_send_with_everything_that_a_message_may_have(service):
    ok(
        service.run(
            "send", "ledger", "not JSON", "--id", "id-1", "--content-type", "text/plain", "--correlation-id", "c-1",
            "--header", "tenant=blue", "--header", "formula=a=b", "--header", "empty=",
        )
    )
    [letter] = bodies_of(service)
    assert letter["body"] == "not JSON"
    assert letter["content_type"] == "text/plain"
    assert letter["headers"]["tenant"] == "blue"
    assert letter["headers"]["formula"] == "a=b"
    assert letter["headers"]["empty"] == ""
    assert letter["original_queue"] == "ledger"


def test_send_lines_of_standard_input_in_their_order(service):
    lines = [body(f"m{number}") for number in range(2500)]
    result = service.run("send", "ledger", "-", input="\n".join(lines))  # the last line has no end
    assert result.returncode == 0
    assert re.fullmatch(r"2500 sent, \d+/s, to ledger at sqlite:.*/queue\.db\n", result.stderr)
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == [f"m{number}" for number in range(2500)]


def test_send_skips_empty_lines_and_keeps_any_bytes(service):
    sent = subprocess.run(
        [executable("svchost"), "send", "ledger", "-"], cwd=service.path, env=service.environment(),
        input=b"\n\nfirst\n\n\xff\x00\xfe\n  \n", capture_output=True,
    )
    assert sent.returncode == 0, sent.stderr
    assert sent.stderr.startswith(b"3 sent")
    assert [letter["body"] for letter in bodies_of(service)] == ["first", "\ufffd\0\ufffd", "  "]


def test_send_from_an_empty_standard_input_sends_nothing(service):
    result = service.run("send", "ledger", "-", input="")
    assert result.returncode == 0
    assert result.stderr.startswith("0 sent")


def test_send_a_body_that_is_a_dash_or_begins_with_one(service):
    ok(service.run("send", "ledger", "--content-type", "text/plain", "--", "--not-an-option"))
    assert [letter["body"] for letter in bodies_of(service)] == ["--not-an-option"]


def test_send_shows_its_progress_on_a_terminal(service):
    host_side, terminal = pty.openpty()
    sending = subprocess.Popen(
        [executable("svchost"), "send", "ledger", "-"], cwd=service.path, env=service.environment(),
        stdin=subprocess.PIPE, stderr=terminal,
    )
    sending.communicate(b"x\n" * 5000)
    os.close(terminal)
    shown = os.read(host_side, 65536).decode()
    os.close(host_side)
    assert sending.returncode == 0
    assert "\r" in shown
    assert "5000 sent" in shown
