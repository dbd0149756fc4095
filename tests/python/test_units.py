# SPDX-License-Identifier: MIT
"""Frames, project files and the entry point, without a worker."""

import os
import socket
import subprocess
import sys

import pytest
from fake_host import FRONT, write_files
from rococo_svchost import RetryAfter, frames, project
from rococo_svchost.judging import decode_body


def test_frames_of_all_sizes_pass_through_a_reader():
    ours, theirs = socket.socketpair()
    reader = frames.FrameReader(theirs)
    sizes = [0, 1, 5, 1000, 65536, 3, 0, 100_000, 7]
    for number, size in enumerate(sizes):
        ours.sendall(frames.encode(frames.MESSAGE, number, frames.encode_meta({"n": size} if size else {}), b"x" * size))
        frame = reader.next()
        assert (frame.kind, frame.seq, len(frame.payload), frame.meta.get("n", 0)) == (frames.MESSAGE, number, size, size)
    ours.close()
    with pytest.raises(EOFError):
        reader.next()
    theirs.close()


def test_a_frame_with_more_metadata_than_bytes():
    ours, theirs = socket.socketpair()
    ours.sendall(frames.HEADER.pack(2, frames.HELLO | 3 << 8, 0) + b"{}")
    with pytest.raises(frames.ProtocolError):
        frames.FrameReader(theirs).next()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 1e12])
def test_delays_that_are_none(value):
    with pytest.raises(ValueError):
        RetryAfter(value)


def test_bodies():
    assert decode_body(b'{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert decode_body(memoryview(b'  "x"  ')) == "x"


DOCUMENT = """
name = "wrong"  # before any table
[build-system]
requires = ["x"]
[project]   # ours
"name" = 'my-service'
description = \"\"\"
version = "not this"
\"\"\"
version = "1.\\\\2" # the one
authors = [ {name = "A", email = "b"} ]
[project.scripts]
version = "nor this"
[[tool.other]]
name = "no"
[tool . poetry]
name = "poetic"
packages = [
    { include = "one" },  # first
    # { include = "commented" },
    { include = 'two', from = "src" },
]
version = "3"
"""


def test_the_small_reader_agrees_with_tomllib():
    assert {key: value for key, value in project.small_table(DOCUMENT, "project").items() if key in ("name", "version")} == {
        "name": "my-service", "version": "1.\\2",
    }  # fmt: skip
    poetry = project.small_table(DOCUMENT, "tool.poetry")
    assert poetry == {"name": "poetic", "version": "3", "packages": [{"include": "one"}, {"include": "two", "from": "src"}]}
    if sys.version_info >= (3, 11):
        import tomllib

        document = tomllib.loads(DOCUMENT)
        assert document["tool"]["poetry"] == poetry and document["project"]["version"] == "1.\\2"


def test_projects(tmp_path):
    assert project.read_project(str(tmp_path)) == ("", "", [], "")
    write_files(tmp_path, {"pyproject.toml": DOCUMENT})
    assert project.read_project(str(tmp_path)) == ("my-service", "1.\\2", [("one", ""), ("two", "src")], "")


def test_process_becomes_svchost_with_this_interpreter(tmp_path):
    """The first program of that name; a script, which may be what called us, is passed over."""
    write_files(tmp_path, {"script/svchost": "#!/bin/sh\necho script\n"})
    os.chmod(tmp_path / "script/svchost", 0o755)
    (tmp_path / "real").mkdir()
    os.symlink("/usr/bin/env", tmp_path / "real/svchost")
    env = {"PATH": f"{tmp_path}/script:{tmp_path}/real", "PYTHONPATH": str(FRONT)}
    code = [sys.executable, "-m", "rococo_svchost.process"]
    done = subprocess.run(code, env=env, stdout=subprocess.PIPE, check=True)
    assert f"PROCESSOR_PYTHON={sys.executable}" in done.stdout.decode()
    done = subprocess.run(code, env={**env, "PATH": f"{tmp_path}/script"}, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 69 and b"svchost is not installed" in done.stderr
    done = subprocess.run(code, env={**env, "ROCOCO_SVCHOST": f"{tmp_path}/script/svchost"}, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 69 and f"ROCOCO_SVCHOST={tmp_path}/script/svchost is not svchost".encode() in done.stderr
