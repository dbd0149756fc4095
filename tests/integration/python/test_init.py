# SPDX-License-Identifier: MIT
"""`svchost init -- COMMAND` and the image's BASH_ENV: a script that starts svchost is stopped as svchost alone would be."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from support.host import executable, wait_until

ROOT = pathlib.Path(__file__).parents[3]
BASH_ENV = ROOT / "rococo_service_base" / "bash_env"
NEW_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]

# Takes as long as the test wants.
WAITING = """
    import os, time
    from rococo.messaging import BaseServiceProcessor
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        def process(self, message):
            note("begin", message["id"])
            while not os.path.exists("go"):
                time.sleep(0.01)
            note("done", message["id"])
"""


def init(*command, **options):
    return subprocess.run([executable("svchost"), "init", "--", *command], capture_output=True, text=True, timeout=240, **options)


@pytest.fixture
def namespace():
    if subprocess.run([*NEW_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("takes the right to make namespaces for processes")
    return NEW_NAMESPACE


def process_1_below(host):
    """The number that process 1 of a new namespace has outside."""
    children = pathlib.Path(f"/proc/{host.pid}/task/{host.pid}/children")
    wait_until(lambda: children.read_text().split(), what=lambda: "a process 1")
    return int(children.read_text().split()[0])


def write_script(service, text):
    script = service.path / "docker-entrypoint.sh"
    script.write_text(text)
    script.chmod(0o755)
    return script


def finishes_what_it_had(service, host, stop):
    """Stops with a message in hand; it is finished, and nobody is charged."""
    service.send("orders", '{"id": 1}', '{"id": 2}')
    wait_until(lambda: service.ids("begin"), what=host.log)
    stop()
    host.wait_for("Draining")
    (service.path / "go").touch()
    assert host.wait() == 0, host.log()
    assert service.ids("begin") == service.ids("done")
    left = service.run(EXIT_WHEN_FINISHED=1)
    assert left.returncode == 0 and sorted(service.ids("done")) == ["1", "2"]
    assert "attempt" not in host.log() + left.stderr and "crash" not in left.stderr


@pytest.mark.parametrize("code", [0, 3, 75])
def test_the_commands_exit_code_is_passed_on(code):
    assert init("sh", "-c", f"exit {code}").returncode == code


def test_a_signal_that_ends_the_command_is_told_as_a_shell_does():
    assert init("sh", "-c", "kill -9 $$").returncode == 128 + 9


def test_a_command_that_cannot_be_executed(tmp_path):
    missing = init(str(tmp_path / "missing"))
    assert missing.returncode == 127 and f"svchost init: cannot execute {tmp_path}/missing: No such file" in missing.stderr
    (tmp_path / "plain").write_text("no program")
    assert init(str(tmp_path / "plain")).returncode == 126


def test_words_after_the_mark_are_the_commands_own():
    assert init("printf", "%s|", "--help", "--", "-x", "").stdout == "--help|--|-x||"


def test_it_ends_with_the_command_where_nobody_asked_for_an_end():
    """As without it: what a script leaves in the background does not hold the container."""
    done = init("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
    assert done.returncode == 0
    os.kill(int(done.stdout), signal.SIGKILL)


def test_a_script_with_a_trap_has_the_last_word(tmp_path):
    script = "trap 'echo asked; exit 7' TERM; touch ready; while :; do sleep 0.05; done"
    process = subprocess.Popen([executable("svchost"), "init", "--", "bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    wait_until((tmp_path / "ready").exists)
    process.terminate()
    assert process.wait(240) == 7 and process.stdout.read() == "asked\n"


def test_everything_that_a_script_has_started_gets_the_signal(tmp_path):
    """Also what has a session of its own, and what was orphaned."""
    waits = "import signal, sys, pathlib; signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1]).touch(), sys.exit(0)));" \
            "pathlib.Path(sys.argv[1] + '.ready').touch(); signal.pause()"
    (tmp_path / "waits.py").write_text(waits)
    python = f"{sys.executable} waits.py"
    script = f"(setsid {python} a &) ; {python} b & {python} c"
    process = subprocess.Popen([executable("svchost"), "init", "--", "bash", "-c", script], cwd=tmp_path)
    wait_until(lambda: len(list(tmp_path.glob("*.ready"))) == 3)
    process.terminate()
    assert process.wait(240) == 0
    assert all((tmp_path / name).exists() for name in "abc")


def test_a_script_that_runs_svchost_drains(make_service):
    """The script has no trap and is ended; svchost drains, its workers are left to it, and its exit code counts."""
    service = make_service(WAITING)
    script = write_script(service, f"#!/bin/bash\ncd .\n{executable('svchost')}\necho not reached\n")
    with service.start(arguments=["init", "--", str(script), "-l", "-c"]) as host:
        finishes_what_it_had(service, host, host.process.terminate)
        assert "not reached" not in host.log()


def test_a_drain_that_is_out_of_time_is_told_behind_a_script_too(make_service):
    service = make_service(WAITING, DRAIN_TIMEOUT="200ms")
    script = write_script(service, f"#!/bin/bash\n{executable('svchost')}\n")
    service.send("orders", '{"id": 1}')
    with service.start(arguments=["init", "--", str(script)]) as host:
        wait_until(lambda: service.ids("begin"), what=host.log)
        host.process.terminate()
        assert host.wait() == 75, host.log()


def test_a_script_as_process_1_drains_by_the_images_bash_env(make_service, namespace):
    service = make_service(WAITING)
    script = write_script(service, f"#!/bin/bash -e\n{sys.executable} -c 'print(1)'\nsvchost\n")
    path = f"{pathlib.Path(executable('svchost')).parent}:{os.environ['PATH']}"
    with service.start(str(script), ["-l", "-c"], before=namespace, BASH_ENV=BASH_ENV, PATH=path) as host:
        finishes_what_it_had(service, host, lambda: os.kill(process_1_below(host), signal.SIGTERM))


def test_a_script_below_another_is_left_alone(tmp_path):
    """BASH_ENV is for process 1. In any other script it does nothing."""
    (tmp_path / "script").write_text('echo "$$ $0 $*"')
    shell = subprocess.Popen(["bash", "script", "a", "b c"], cwd=tmp_path, env={**os.environ, "BASH_ENV": str(BASH_ENV)}, stdout=subprocess.PIPE,
                             text=True)
    assert shell.communicate(timeout=240)[0] == f"{shell.pid} script a b c\n"


ORPHANS = """
    import os, subprocess, sys, time
    from rococo.messaging import BaseServiceProcessor
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        def process(self, message):
            note("begin", message["id"])
            # Orphans in groups of their own, which end later than what has started them.
            subprocess.run(["sh", "-c", "for i in 1 2 3; do setsid sleep 0.2 & done"], check=True)
            if message["id"] == 2 and not os.path.exists("died"):
                open("died", "w").close()
                os.abort()
            note("done", message["id"])
"""


def test_process_1_takes_orphans_from_the_system_and_its_own_children_keep_their_end(make_service, namespace):
    service = make_service(ORPHANS)
    service.send("orders", *(f'{{"id": {n}}}' for n in range(1, 4)))
    with service.start(before=namespace) as host:
        wait_until(lambda: sorted(service.ids("done")) == ["1", "2", "3"], what=host.log)
        assert "SIGABRT" in host.log()
        process_1 = process_1_below(host)

        def sleeping():
            return subprocess.run(["pgrep", "-P", str(process_1), "-x", "sleep", "-r", "S,R"], stdout=subprocess.PIPE, check=False).stdout

        def zombies():
            found = []
            for process in filter(str.isdigit, os.listdir("/proc")):
                try:
                    status = pathlib.Path(f"/proc/{process}/status").read_text()
                except OSError:  # it has ended
                    continue
                if re.search(rf"^PPid:\t{process_1}$", status, re.MULTILINE) and re.search(r"^State:\tZ", status, re.MULTILINE):
                    found.append(process)
            return found

        wait_until(lambda: not sleeping(), what=lambda: "orphans that have ended")
        wait_until(lambda: not zombies(), what=lambda: f"{zombies()} are left")
        os.kill(process_1, signal.SIGTERM)
        assert host.wait() == 0, host.log()
