# SPDX-License-Identifier: MIT
"""Programs that are run for each message: what their exit says, what they may do, and what becomes of what they leave."""

import base64
import json
import re

import pytest
from support.host import lives, wait_until

# Writes down that it began, reads its message, and does what that says.
SCRIPT = """
    #!/bin/sh
    message=$(cat)
    echo "$$ $ROCOCO_ATTEMPT $message" >> begun
    eval "$message"
"""


def pids(service):
    return [int(line.split()[0]) for line in service.lines("begun")]


def send_scripts(service, *scripts):
    """Messages whose bodies are commands for the script."""
    service.send("orders", *scripts)


# What cannot be started.


@pytest.mark.parametrize("command, words", [
    ("./nothing", "there is no"),
    ("no-such-program", "there is no no-such-program in PATH"),
    ("./plain", "may not be executed: chmod +x ./plain"),
    ("./bare", "without a first line such as #!/bin/sh"),
    ("./nowhere", "names /nowhere/sh, which is no program"),
    ("./", "is no file"),
])
def test_a_program_that_cannot_run_ends_the_host_with_70_and_takes_no_message(make_service, command, words):
    service = make_service(SCRIPT)
    (service.path / "plain").write_text("#!/bin/sh\n")
    service.write("bare", "echo\n")
    service.write("nowhere", "#!/nowhere/sh\n")
    send_scripts(service, "exit 0")
    ended = service.run(PROCESSOR_COMMAND=command)
    assert ended.returncode == 70, ended.stderr
    assert f"PROCESSOR_COMMAND={command}: " in ended.stderr and words in ended.stderr
    assert "0 acknowledged" not in ended.stderr
    service.run_to_the_end()
    assert [line.split()[1] for line in service.lines("begun")] == ["1"], "it was not charged"


def test_a_program_that_is_gone_later_ends_the_host_with_70_and_charges_nothing(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=2)
    send_scripts(service, "rm processor", "echo second >> second")
    ended = service.run()
    assert ended.returncode == 70, ended.stderr
    assert re.search(r"CRITICAL.*cannot start .*/processor: No such file or directory", ended.stderr)
    service.write("processor", SCRIPT)
    service.run_to_the_end()
    assert service.lines("second") == ["second"]
    assert [line.split()[1] for line in service.lines("begun")] == ["1", "1"]


@pytest.mark.parametrize("settings, words", [
    ({"PROCESSOR_KIND": "command", "PROCESSOR_COMMAND": ""}, "PROCESSOR_KIND=command needs PROCESSOR_COMMAND"),
    ({"PROCESSOR_KIND": "lines", "PROCESSOR_COMMAND": ""}, "PROCESSOR_KIND=lines needs PROCESSOR_COMMAND"),
    ({"PROCESSOR_COMMAND": "./processor 'a"}, "PROCESSOR_COMMAND=./processor 'a: its single quote has no end"),
    ({"PROCESSOR_EXIT_CODES": "3=reject"}, "PROCESSOR_EXIT_CODES=3=reject: '3=reject' has a meaning that there is not"),
    ({"SERVICE_LIBRARY": "x.service.so"}, "choose with PROCESSOR_KIND"),
])
def test_a_wrong_value_is_told_with_what_is_allowed(make_service, settings, words):
    ended = make_service(SCRIPT).run(**settings)
    assert ended.returncode == 78, ended.stderr
    assert words in ended.stderr


def test_check_looks_at_the_program_and_runs_nothing(make_service):
    service = make_service(SCRIPT)
    checked = service.run("check")
    assert checked.returncode == 0, checked.stderr
    assert service.lines("begun") == []


# What it says by its end.


def test_every_exit_code_has_its_meaning(make_service):
    service = make_service("""
        #!/bin/sh
        exit "$(cat)"
    """, MAX_ATTEMPTS=1, NUM_THREADS=4)
    service.send("orders", *map(str, range(256)))
    log = service.run_to_the_end()
    assert "1 acknowledged, 0 retried, 255 dead-lettered" in log
    assert set(map(int, re.findall(r"exit code (\d+)", log))) == set(range(1, 256))


def test_exit_codes_of_other_consumers_can_be_given_their_meaning(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=3, PROCESSOR_EXIT_CODES="3=dead-letter,5=ack,65=retry")
    send_scripts(service, "exit 3", "exit 5", "exit 65", "exit 7")
    log = service.run_to_the_end()
    assert [line.split()[-1] for line in service.lines("begun")].count("3") == 1
    assert [line.split()[-1] for line in service.lines("begun")].count("65") == 3
    assert "1 acknowledged, 4 retried, 3 dead-lettered" in log


def test_a_failure_is_tried_again_and_bad_data_is_not(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=3)
    send_scripts(service, "test $ROCOCO_ATTEMPT = 3", "exit 75", "exit 65")
    log = service.run_to_the_end()
    assert "1 acknowledged, 4 retried, 2 dead-lettered" in log
    assert sorted(line.split()[1] for line in service.lines("begun") if line.endswith("exit 75")) == ["1", "2", "3"]
    assert len([line for line in service.lines("begun") if line.endswith("exit 65")]) == 1


@pytest.mark.parametrize("signal", ["SEGV", "ABRT", "KILL", "TERM", "HUP"])
def test_a_signal_is_a_crash_of_its_message(make_service, signal):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1)
    send_scripts(service, "exit 0", f"kill -{signal} $$", "exit 0")
    log = service.run_to_the_end()
    assert f"crashed: SIG{signal}" in log
    assert "2 acknowledged, 0 retried, 1 dead-lettered" in log


def test_the_last_of_standard_error_is_the_failure_s_text(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1)
    send_scripts(service, "echo no customer >&2; exit 65", "seq 100000 >&2; exit 1")
    service.run_to_the_end()
    errors = sorted(letter["error"] for letter in service.dead_letters())
    assert any(error == "exit code 65: no customer" for error in errors), errors
    long = next(error for error in errors if "100000" in error)
    assert 4_000 < len(long) <= 4_096


# What it is given.


def test_it_has_the_message_s_properties_in_its_environment(make_service):
    service = make_service("""
        #!/bin/sh
        cat > body
        env | grep '^ROCOCO_' | sort > seen
        env | grep -c '^LD_PRELOAD=' > preload
        pwd > folder
    """, PROCESS_TIMEOUT="1h")
    sent = service.run("send", "orders", '{"id": 1}', "--id", "m-1", "--correlation-id", "c-1", "--header", "tenant=blue",
                       "--header", "LD_PRELOAD=/evil.so", "--header", "x-Trace.Id=7")
    assert sent.returncode == 0, sent.stderr
    service.run_to_the_end(ROCOCO_MESSAGE_ID="of an outer host", ROCOCO_HEADER_OLD="old")
    seen = dict(line.split("=", 1) for line in service.lines("seen"))
    assert json.loads(seen.pop("ROCOCO_HEADERS")) == {"tenant": "blue", "LD_PRELOAD": "/evil.so", "x-Trace.Id": "7"}
    for name in ("ROCOCO_SENT_AT", "ROCOCO_DEADLINE"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", seen.pop(name))
    assert seen == {
        "ROCOCO_MESSAGE_ID": "m-1", "ROCOCO_ATTEMPT": "1", "ROCOCO_QUEUE": "orders", "ROCOCO_CORRELATION_ID": "c-1",
        "ROCOCO_CONTENT_TYPE": "application/json", "ROCOCO_HEADER_TENANT": "blue", "ROCOCO_HEADER_LD_PRELOAD": "/evil.so",
        "ROCOCO_HEADER_X_TRACE_ID": "7",
    }
    assert service.lines("preload") == ["0"]
    assert service.lines("folder") == [str(service.path)]
    assert service.lines("body") == ['{"id": 1}']


def test_headers_that_fit_into_no_environment_are_left_out_and_that_is_said_once(make_service):
    service = make_service("""
        #!/bin/sh
        env | grep -c '^ROCOCO_HEADER_' >> seen
    """)
    for _ in range(3):
        sent = service.run("send", "orders", "{}", "--header", "small=1", "--header", "big=" + "x" * 131_060)
        assert sent.returncode == 0, sent.stderr
    log = service.run_to_the_end()
    assert service.lines("seen") == ["1", "1", "1"]
    assert log.count("ROCOCO_HEADER_BIG is left out of the environment") == 1


def test_a_body_arrives_byte_for_byte(make_service):
    body = "NUL \0, Ü, \u2028 and quotes \"'" * 100
    service = make_service("""
        #!/bin/sh
        base64 -w0 > body
    """)
    sent = service.run("send", "orders", body.replace("\0", "\x01"), "--content-type", "text/plain")
    assert sent.returncode == 0, sent.stderr
    service.run_to_the_end()
    assert base64.b64decode(service.lines("body")[0]).decode() == body.replace("\0", "\x01")


def test_ten_megabytes_that_nobody_reads_hold_nothing_up(make_service):
    service = make_service("""
        #!/bin/sh
        [ "$ROCOCO_CONTENT_TYPE" = counted ] && wc -c > counted
        exit 0
    """)
    for content_type in ("unread", "counted"):
        sent = service.run("send", "orders", "-", "--content-type", content_type, input="x" * 10_000_000 + "\n")
        assert sent.returncode == 0, sent.stderr
    assert "2 acknowledged" in service.run_to_the_end()
    assert service.lines("counted") == ["10000000"]


def test_the_command_is_split_as_a_shell_does_and_nothing_is_expanded(make_service):
    service = make_service("""
        #!/bin/sh
        printf '%s\\n' "$@" > arguments
    """)
    service.process([{}], PROCESSOR_COMMAND=r"""./processor 'a b' "c \"d" e\ f $HOME '*' '' """)
    assert service.lines("arguments") == ["a b", 'c "d', "e f", "$HOME", "*", ""]


# What it prints.


def test_what_it_prints_is_logged_with_its_message(make_service):
    service = make_service(SCRIPT)
    sent = service.run("send", "orders", "echo out; echo err >&2; printf half", "--id", "m-1", "--content-type", "text/plain")
    assert sent.returncode == 0, sent.stderr
    log = service.run_to_the_end()
    assert re.search(r"\[INFO\] processor:\d - out \(m-1\)\n", log)
    assert re.search(r"\[WARNING\] processor:\d - err \(m-1\)\n", log)
    assert re.search(r"\[INFO\] processor:\d - half \(m-1\)\n", log)


def test_ten_megabytes_of_output_and_bytes_that_are_no_text_hold_nothing_up(make_service):
    service = make_service(SCRIPT)
    send_scripts(service, "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 10000000", "head -c 1000000 /dev/urandom; exec 1>&- 2>&-; true", ":")
    assert "3 acknowledged" in service.run_to_the_end()
    assert len(service.lines("begun")) == 3


# What it leaves.


def test_what_it_started_in_the_background_ends_with_it(make_service):
    service = make_service(SCRIPT)
    send_scripts(service, "sleep 1000 & echo $! > background; exit 0", "exit 0")
    assert "2 acknowledged" in service.run_to_the_end()
    background = int(service.lines("background")[0])
    wait_until(lambda: not lives(background))


def test_the_outbox_is_sent_once_it_ended_well(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1)
    send_scripts(service,
                 """echo '{"send":{"queue":"invoices","body":{"n":1}}}' >&3; echo '{"send":{"queue":"mails","body":"two"}}' >&3""",
                 """echo '{"send":{"queue":"invoices","body":{"n":3}}}' >&3; exit 1""",
                 """echo '{"send":{"queue":"invoices","body":{"n":4}}}' >&3; kill -SEGV $$""")
    log = service.run_to_the_end()
    assert "1 acknowledged, 0 retried, 2 dead-lettered" in log
    assert service.queued("invoices") == ['{"n":1}']
    assert service.queued("mails") == ['"two"']


def test_an_outbox_that_cannot_be_read_or_sent_fails_its_message(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1)
    send_scripts(service,
                 """echo '{"send":{"queue":"invoices","body":{"n":1}}}' >&3; echo 'no JSON' >&3""",
                 """echo '{"send":{"queue":"","body":1}}' >&3""")
    log = service.run_to_the_end()
    assert "0 acknowledged, 0 retried, 2 dead-lettered" in log
    assert "line 2 of descriptor 3: it is neither" in log
    assert service.queued("invoices") == []


def test_the_outbox_says_when_to_try_again(make_service):
    service = make_service(SCRIPT, RETRY_DELAY="1h")
    send_scripts(service, """[ $ROCOCO_ATTEMPT = 2 ] || { echo '{"retry_after":"10ms"}' >&3; exit 75; }""")
    assert "1 acknowledged, 1 retried" in service.run_to_the_end()


# Time.


def test_a_program_past_its_time_is_asked_to_end_and_killed_with_all_that_it_started(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1, PROCESS_TIMEOUT="2s", NUM_THREADS=3)
    send_scripts(service,
                 "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > deaf; sleep 1000 & wait; sleep 1000'",
                 "trap 'echo asked > asked; exit 3' TERM; sleep 1000",
                 "trap 'exit 0' TERM; sleep 1000")
    log = service.run_to_the_end()
    assert log.count("timed out after 2 s") >= 2
    assert "1 acknowledged, 0 retried, 2 dead-lettered" in log, "who ends well after all has done it"
    assert service.lines("asked") == ["asked"]
    wait_until(lambda: not lives(int(service.lines("deaf")[0])))


def test_a_stopped_program_is_killed_for_its_time_too(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=1, PROCESS_TIMEOUT="1s")
    send_scripts(service, "kill -STOP $$", "exit 0")
    log = service.run_to_the_end()
    assert "timed out after 1 s" in log and "1 acknowledged, 0 retried, 1 dead-lettered" in log


# Ends of the host.


def test_a_drain_lets_the_begun_finish_and_returns_the_rest(make_service):
    service = make_service(SCRIPT, DRAIN_TIMEOUT="4m")
    send_scripts(service, *["sleep 1; echo done >> done"] * 5)
    host = service.start()
    wait_until(lambda: service.lines("begun"))
    assert host.terminate() == 0, host.log()
    assert len(service.lines("begun")) == len(service.lines("done")) < 5
    service.run_to_the_end()
    assert len(service.lines("done")) == 5
    assert {line.split()[1] for line in service.lines("begun")} == {"1"}


def test_a_drain_asks_what_takes_too_long_to_end_and_charges_it_nothing(make_service):
    service = make_service(SCRIPT, DRAIN_TIMEOUT="4s", MAX_ATTEMPTS=2)
    send_scripts(service, "[ -e once ] || { touch once; sleep 1000; }")
    host = service.start()
    wait_until(lambda: service.lines("begun"))
    assert host.terminate() == 0, host.log()
    assert len(service.lines("begun")) == 1
    service.run_to_the_end()
    assert [line.split()[1] for line in service.lines("begun")] == ["1", "1"]


def test_a_drain_kills_what_does_not_listen_ends_with_75_and_charges_it_nothing(make_service):
    service = make_service(SCRIPT, DRAIN_TIMEOUT="2s", MAX_ATTEMPTS=2)
    send_scripts(service, "[ -e once ] || { touch once; trap '' TERM; while :; do sleep 1; done; }")
    host = service.start()
    wait_until(lambda: service.lines("begun"))
    assert host.terminate() == 75, host.log()
    wait_until(lambda: not any(map(lives, pids(service))))
    service.run_to_the_end()
    assert [line.split()[1] for line in service.lines("begun")] == ["1", "1"]


def test_no_program_outlives_a_killed_host_and_only_its_message_is_charged(make_service):
    service = make_service(SCRIPT, MAX_ATTEMPTS=2)
    send_scripts(service, "exit 0", "[ -e once ] || { touch once; sleep 1000 & echo $! > grandchild; wait; }", "exit 0")
    host = service.start()
    wait_until(lambda: service.lines("grandchild"))
    host.process.kill()
    host.process.wait()
    left = [*pids(service), int(service.lines("grandchild")[0])]
    wait_until(lambda: not any(map(lives, left)), timeout=60)
    log = service.run_to_the_end()
    assert re.search(r"A previous run .* message \S+: it counts as tried", log), log
    assert [line.split()[1] for line in service.lines("begun") if "once" in line] == ["1", "2"]
    assert "dead-lettered" in log and " 0 dead-lettered" in log


# Schedules.


def test_a_schedule_runs_it_with_its_time(make_service):
    service = make_service("""
        #!/bin/sh
        echo "$ROCOCO_SCHEDULED_AT $ROCOCO_ATTEMPT $(wc -c)" >> runs
    """, EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="* * * * * *")
    host = service.start()
    wait_until(lambda: len(service.lines("runs")) >= 2)
    assert host.terminate() == 0
    for line in service.lines("runs"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z 1 0", line), line
    times = [line.split()[0] for line in service.lines("runs")]
    assert len(set(times)) == len(times)


def test_a_single_run_has_its_exit_code_s_outcome(make_service):
    service = make_service("""
        #!/bin/sh
        echo '{"send":{"queue":"reports","body":1}}' >&3
        exit "$(cat code)"
    """, EXECUTION_TYPE="CRON")
    (service.path / "code").write_text("0")
    assert service.run("run", "--once").returncode == 0
    assert service.queued("reports") == ["1"]
    (service.path / "code").write_text("3")
    failed = service.run("run", "--once")
    assert failed.returncode == 70 and "the run failed: exit code 3" in failed.stderr
    assert service.queued("reports") == ["1"]


def test_a_run_that_the_next_one_replaces_is_asked_to_end(make_service):
    service = make_service("""
        #!/bin/sh
        trap 'echo asked >> asked; exit 1' TERM
        [ -e first ] && exit 0
        touch first
        sleep 1000
    """, EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="* * * * * *", CRON_OVERLAP="cancel")
    host = service.start()
    wait_until(lambda: service.lines("asked"))
    assert host.terminate() == 0
