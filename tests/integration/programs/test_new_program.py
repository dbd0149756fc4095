# SPDX-License-Identifier: MIT
"""What `svchost new --command` and `--node` write runs, and passes its own tests."""

import os
import re
import shutil
import subprocess

import pytest
from support.host import executable


@pytest.fixture
def run(tmp_path):
    def run(*arguments, folder="", input=None, **more):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **more}
        environment.update({name: value for name, value in os.environ.items() if name.startswith(("ASAN_", "UBSAN_", "LSAN_"))})
        return subprocess.run(arguments, cwd=tmp_path / folder, env=environment, input=input, capture_output=True, text=True, timeout=240)

    return run


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_a_program_for_messages(run):
    svchost = executable("svchost")
    assert "cmake" not in ok(run(svchost, "new", "hello", "--command"))
    ok(run(svchost, "send", '{"message": "Hi"}', folder="hello"))
    log = ok(run(svchost, folder="hello", EXIT_WHEN_FINISHED="1"))
    assert 'processor:1 - Received message: {"message": "Hi"} (' in log
    assert ok(run("./processor.sh", folder="hello", input="x")) == "Received message: x\n"


def test_a_program_with_a_schedule(run):
    svchost = executable("svchost")
    ok(run(svchost, "new", "tick", "--command", "--cron"))
    assert "every 10 s" in ok(run(svchost, "next", folder="tick"))
    assert "processor:1 - Running, due 20" in ok(run(svchost, "run", "--once", folder="tick"))


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
def test_a_service_for_node(run, tmp_path):
    svchost = executable("svchost")
    assert "cmake" not in ok(run(svchost, "new", "greeter", "--node"))
    assert "pass 1" in ok(run("node", "--test", folder="greeter"))
    ok(run(svchost, "send", '{"message": "Hi"}', folder="greeter"))
    log = ok(run(svchost, folder="greeter", EXIT_WHEN_FINISHED="1"))
    assert "processor:1 - Received message: { message: 'Hi' }" in log


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
def test_what_a_service_for_node_may_do(run, tmp_path):
    svchost = executable("svchost")
    ok(run(svchost, "new", "greeter", "--node"))
    (tmp_path / "greeter" / "processor.mjs").write_text("""#!/usr/bin/env node
import { log, PermanentError, RetryAfter, send, serve } from "./lines.mjs";
serve(async ({ body, attempt, headers }) => {
  if (Buffer.isBuffer(body)) return log("WARNING", "bytes: " + body.toString("hex"));
  if (body.bad) throw new PermanentError("no customer");
  if (body.later && attempt === 1) throw new RetryAfter("10ms");
  await send("invoices", { order: body.n }, { headers });
  await send("", "nowhere").catch((error) => console.log("not sent:", error.message));
}, { parallel: 4 });
""")
    for arguments in (['{"n": 1}', "--header", "tenant=blue"], ['{"bad": 1}'], ['{"n": 2, "later": 1}'], ["text", "--content-type", "text/plain"]):
        ok(run(svchost, "send", *arguments, folder="greeter"))
    log = ok(run(svchost, folder="greeter", EXIT_WHEN_FINISHED="1"))
    assert "3 acknowledged, 1 retried, 1 dead-lettered" in log
    assert re.search(r"\[WARNING\] processor:\d+ - bytes: 74657874\n", log)
    assert log.count("not sent: ") == 2
    assert "no customer" in log


@pytest.mark.parametrize("flags", [["--node", "--cron"], ["--node", "--python"], ["--command", "--python"], ["--node", "--command"]])
def test_kinds_that_exclude_each_other(run, tmp_path, flags):
    refused = run(executable("svchost"), "new", "mixed", *flags)
    assert refused.returncode == 64, refused.stderr
    assert not (tmp_path / "mixed").exists()
