# SPDX-License-Identifier: MIT
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from documents import ROOT  # noqa: E402
from session import Session  # noqa: E402


@pytest.fixture(scope="session")
def prefix():
    """Host and SDK as `./dev test docs` has installed them."""
    path = pathlib.Path(os.environ.get("ROCOCO_PREFIX", ROOT / "build" / "install")).resolve()
    assert (path / "bin" / "svchost").exists(), f"nothing is installed in {path}: run `./dev test docs`, or set ROCOCO_PREFIX"
    return path


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory):
    """A node for all documents, with a user `orders`: variables for svchost, and a program `rabbitmqctl` that speaks to it."""
    from support.rabbitmq_node import SBIN, RabbitMqNode

    with RabbitMqNode() as node:
        node.ctl("add_user", "orders", "secret")
        program = tmp_path_factory.mktemp("bin") / "rabbitmqctl"
        exports = "".join(f"export {name}='{value}'\n" for name, value in node.environment().items() if name != "PATH")
        program.write_text(f"#!/bin/sh\n{exports}exec {SBIN}/rabbitmqctl -q -n {node.name} \"$@\"\n")
        program.chmod(0o755)
        variables = {"MESSAGING_TYPE": "RabbitMqConnection", "RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_PORT": str(node.port)}
        yield variables, program


@pytest.fixture(scope="session")
def sqs():
    """The variables by which svchost speaks to an SQS emulator; nothing where none can run, and then blocks are only read."""
    from support import sqs_emulator

    if sqs_emulator.why_not():
        yield None
        return
    process, address = sqs_emulator.start_emulator()
    yield {"MESSAGING_TYPE": "SqsConnection", "AWS_ENDPOINT_URL": address, "AWS_REGION": sqs_emulator.REGION, **sqs_emulator.KEY}
    process.terminate()
    process.wait()


@pytest.fixture
def make_session(tmp_path, prefix, request):
    """Makes sessions that give a document what its blocks need, and start nothing that none needs."""

    def make(needs=()):
        given, programs = {}, []
        if "rabbitmq" in needs:
            given["rabbitmq"], program = request.getfixturevalue("rabbitmq")
            programs.append(program)
        if "sqs" in needs and (variables := request.getfixturevalue("sqs")):
            given["sqs"] = variables
        return Session(tmp_path, prefix, given, programs)

    return make
