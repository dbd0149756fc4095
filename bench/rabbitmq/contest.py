# SPDX-License-Identifier: MIT
"""Contestants that take turns on one broker: how they are started, measured and ranked. `bench/rabbitmq/run` and `bench/python/run`
say who they are."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration/support"))

from rabbitmq_node import RabbitMqNode  # noqa: E402, F401 - for those who use this

BUILD = pathlib.Path(os.environ.get("ROCOCO_BUILD_DIR", "build/bench")).resolve()
HERE = BUILD / "bench/rabbitmq"
PYTHON = "/usr/bin/python3"
PIKA = pathlib.Path(__file__).parent / "pika_consumer.py"
REFERENCE = "C, coalesced"


class Contest:
    """One broker and who takes part. Derive from it; `contestants` are commands by name."""

    def __init__(self, node, folder):
        self.node = node
        self.folder = folder
        self.result = folder / "result.json"

    def contestants(self):
        raise NotImplementedError

    def environment(self, name, count):
        """What every contestant has; those who are hosts need more."""
        return {"PATH": os.environ["PATH"], "BENCH_COUNT": str(count), "BENCH_RESULT": str(self.result)}

    def bare(self):
        """The least that a consumer can do: one acknowledgement for many messages, or for each; the former with the host's patience
        in reading; and `pika`."""
        port, consumer = str(self.node.port), HERE / "bare_consumer"
        return {
            "C, each": [consumer, port, "bench", "100", "1"],
            REFERENCE: [consumer, port, "bench", "1000", "250"],
            "C, patient": [consumer, port, "bench", "1000", "250", "300"],
            "pika": [PYTHON, PIKA, port, "bench", "100"],
        }

    def host_settings(self, build=BUILD):
        """For a host with the service in C++ that counts."""
        return {
            "MESSAGING_TYPE": "RabbitMqConnection",
            "RABBITMQ_HOST": "127.0.0.1",
            "RABBITMQ_PORT": str(self.node.port),
            "SERVICE_LIBRARY": str(build / "bench/rabbitmq/bench_meter/bench_meter.service.so"),
            "QUEUE_NAME_PREFIX": "",
            "BenchMeterProcessor_QUEUE_NAME": "bench",
            "STATE_DIR": str(self.folder / "state"),
        }

    def start(self, name, count, **more):
        self.result.unlink(missing_ok=True)
        began = time.monotonic_ns()
        process = subprocess.Popen(
            self.contestants()[name],
            cwd=self.folder,
            env={**self.environment(name, count), **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return process, began

    def wait_for_result(self, process, timeout=300):
        deadline = time.monotonic() + timeout
        while not self.result.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{process.args}: ended with {process.poll()} and without a result")
            time.sleep(0.01)
        return json.loads(self.result.read_text())

    def publish(self, count, body, per_second=None):
        """Publishes that many. `body`: a number of bytes, or the path of a file."""
        what = f"@{body}" if isinstance(body, pathlib.Path) else str(body)
        arguments = [str(self.node.port), "bench", str(count), what]
        if per_second is not None:
            arguments.append(str(per_second))
        subprocess.run([HERE / "bench_publisher", *arguments], check=True)

    def drain(self, name, count, body):
        """Fills the queue, drains it: messages a second, CPU microseconds a message, resident KiB,
        milliseconds from start to the first message."""
        self.publish(count, body)
        process, began = self.start(name, count)
        result = self.wait_for_result(process)
        resident = self.resident(process.pid)
        stop(process)
        return {
            "rate": count / ((result["end_ns"] - result["first_ns"]) / 1e9),
            "cpu": result["cpu_ns"] / 1e3 / count,
            **({"parent_cpu": result["parent_cpu_ns"] / 1e3 / count} if "parent_cpu_ns" in result else {}),
            **resident,
            "start": (result["first_ns"] - began) / 1e6,
        }

    def resident(self, pid):
        return {"rss": resident_kib(pid)}


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])


def stop(process):
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def ratio(rounds, references):
    """The median of the rounds' ratios of messages a second."""
    return statistics.median(one["rate"] / reference["rate"] for one, reference in zip(rounds, references))
