# SPDX-License-Identifier: MIT
"""What a host and its processes in Python must bear for long: restarts, messages without end, large bodies, bad neighbours.

Each function takes a folder and how much, and returns (findings, what was measured): no findings are what is wanted.
"""

import collections
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import threading
import time

from .host import BUILD, wait_until
from .ledger_processes import processes_of
from .python_service import PythonFolder

SERVICE = """
    import logging, os, signal, sys, time
    from rococo.messaging import BaseServiceProcessor
    from rococo_svchost import context
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        leak = []
        seen = 0

        def process(self, message):
            getattr(self, message.get("do", "nothing"))(message)

        def nothing(self, message): pass
        def leave(self, message): os._exit(0)
        def kill(self, message): os.kill(os.getpid(), signal.SIGKILL)
        def abort(self, message): os.abort()
        def left(self, message): sys.exit(1)
        def hang(self, message): time.sleep(1000)
        def leak_10(self, message): self.leak.append(bytearray(os.urandom(1)) * 10_000_000)
        def measure(self, message): note("done", int((time.time() - message["at"]) * 1e6))
        def size(self, message): note("done", len(message["padding"]), context.attempt)
        def varied(self, message):
            OrderServiceProcessor.seen += 1
            if self.seen % 1_000 == 0: logging.info("%d messages, the last %s", self.seen, context.message_id)
            if self.seen % 997 == 0: context.headers, context.sent_at
            if self.seen % 499 == 0: raise ValueError("x" * 500)
"""
SMALL = 20  # messages after the large ones
DEATHS = ("leave", "kill", "abort", "left")

# AddressSanitizer keeps what is freed for a while.
MEMORY_COUNTS = BUILD.name not in ("asan", "tsan")


class Vitals:
    """What a process holds now."""

    def __init__(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.resident_kib = int(fields["VmRSS"].split()[0])
        self.threads = int(fields["Threads"])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))


def zombies_of(pid):
    """The processes that it has started, and that have ended without its taking notice."""
    found = []
    for child in processes_of(pid):
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                found.append(child)
    return found


def restarts(folder, count, workers=4):
    """Every message ends its process, in one way or another."""
    service = PythonFolder(folder, SERVICE, NUM_THREADS=workers, MAX_ATTEMPTS=1, ON_FAILURE="ack")
    service.send("orders", *(json.dumps({"do": DEATHS[number % len(DEATHS)]}) for number in range(count)))
    findings, samples, most_zombies = [], [], 0

    with service.start() as host:
        def ended():
            return host.log().count("another one takes its place")

        while (done := ended()) < count and host.process.poll() is None:
            with contextlib.suppress(OSError):  # it may end just now
                samples.append((done, Vitals(host.pid)))
            most_zombies = max(most_zombies, len(zombies_of(host.pid)))
            time.sleep(0.25)
        if host.process.poll() is not None:
            return [f"the host ended with {host.process.returncode}: {host.log()[-2000:]}"], ""
        # What is taken from the system a moment later is no zombie; what stays one is.
        left = zombies_of(host.pid)
        time.sleep(1)
        left = set(left) & set(zombies_of(host.pid))
        if (code := host.terminate()) != 0:
            findings.append(f"the host exits with {code}")
    if left:
        findings.append(f"{len(left)} zombies stay")
    if most_zombies > workers:
        findings.append(f"{most_zombies} zombies at once, with {workers} workers")
    grown = {}
    for what, slack in (("descriptors", 10), ("threads", workers), ("resident_kib", 4096)):
        # They come and go with the processes: the most of the second and third tenth, and the most of the last two.
        early = max((getattr(one, what) for done, one in samples if count // 10 <= done < count * 3 // 10), default=0)
        late = max((getattr(one, what) for done, one in samples if done >= count * 8 // 10), default=0)
        grown[what] = f"{what} {early} -> {late}"
        if early == 0 or (late > early + slack and (what != "resident_kib" or MEMORY_COUNTS)):
            findings.append(f"{grown[what]} in {count} restarts")
    return findings, f"{count} restarts: {', '.join(grown.values())}, at most {most_zombies} zombies at once"


def many_messages(folder, count, slack_kib=2048):
    """Memory of host and process over so many messages; some log, some fail, some look at their properties."""
    service = PythonFolder(folder, SERVICE, MAX_ATTEMPTS=1, ON_FAILURE="ack")
    padding = "x" * 150
    for start in range(0, count, 100_000):
        service.send("orders", *(json.dumps({"id": number, "do": "varied", "padding": padding}) for number in range(start, min(start + 100_000, count))))
    samples = []
    with service.start() as host:
        def seen():
            log = host.log()
            at = log.rfind(" messages, the last")
            return int(log[:at].rsplit(" ", 1)[1]) if at >= 0 else 0

        while (done := seen()) < count - 999 and host.process.poll() is None:
            if children := processes_of(host.pid):
                with contextlib.suppress(OSError):
                    samples.append((done, Vitals(host.pid).resident_kib, Vitals(children[0]).resident_kib))
            time.sleep(0.2)
        if host.process.poll() is not None or host.terminate() != 0:
            return [f"the host exits with {host.process.returncode}: {host.log()[-2000:]}"], ""
    findings = []
    # The first third warms up what grows once: the allocator's areas of each thread, the queue's pages.
    warm = [sample for sample in samples if sample[0] >= count // 3]
    for name, place in (("host", 1), ("process", 2)):
        early = statistics.median(sample[place] for sample in warm[: max(1, len(warm) // 5)])
        late = statistics.median(sample[place] for sample in warm[-max(1, len(warm) // 5) :])
        if late > early + slack_kib and MEMORY_COUNTS:
            findings.append(f"memory of the {name} grows: {early / 1024:.1f} MiB early, {late / 1024:.1f} MiB late, in {count} messages")
    return findings, f"{count} messages: host {warm[0][1] / 1024:.1f} -> {warm[-1][1] / 1024:.1f} MiB, process {warm[0][2] / 1024:.1f} -> {warm[-1][2] / 1024:.1f} MiB"


def large_bodies(folder, size, send=None, settings=None, count=3):
    """Bodies of so many bytes, each once, and memory goes back afterwards. `send`: sends a body to the queue `orders`."""
    service = PythonFolder(folder, SERVICE, **(settings or {}))
    send = send or (lambda body: service.send("orders", body))
    body = json.dumps({"do": "size", "padding": "x" * (size - 40)})
    for _ in range(count):
        send(body)
    findings = []
    with service.start() as host:
        wait_until(lambda: len(service.ids()) >= count, what=host.log)
        peak = Vitals(host.pid).resident_kib, Vitals(processes_of(host.pid)[0]).resident_kib
        for number in range(SMALL):
            send(json.dumps({"do": "size", "padding": "y" * number}))
        wait_until(lambda: len(service.ids()) >= count + SMALL, what=host.log)
        held = Vitals(host.pid).resident_kib, Vitals(processes_of(host.pid)[0]).resident_kib
        if (code := host.terminate()) != 0:
            findings.append(f"the host exits with {code}")
    sizes = collections.Counter(service.ids())
    if sizes[str(size - 40)] != count or len(service.ids()) != count + SMALL:
        findings.append(f"bodies processed: {dict(sizes)}")
    if {attempt for _, attempt, *_ in service.ledger()} != {1}:
        findings.append("some were charged")
    for name, after in zip(("host", "process"), held):
        if after > size / 1024 and MEMORY_COUNTS:
            findings.append(f"the {name} keeps {after / 1024:.0f} MiB")
    return findings, (f"{count} bodies of {size / 1e6:.0f} MB: host {peak[0] / 1024:.0f} -> {held[0] / 1024:.0f} MiB,"
                      f" process {peak[1] / 1024:.0f} -> {held[1] / 1024:.0f} MiB")


def neighbours(folder, seconds, send, settings, per_second=50, most_ms=20):
    """Latency of healthy messages on four workers, alone and then beside ones that hang, crash and leak."""
    service = PythonFolder(folder, SERVICE, NUM_THREADS=4, PROCESS_TIMEOUT="2s", MAX_ATTEMPTS=1, ON_FAILURE="ack", **settings)
    stop = threading.Event()
    bad = {"hang": 0, "abort": 0, "leak_10": 0}

    def be_bad():
        for what in itertools.cycle(bad):
            if stop.is_set():
                return
            send(json.dumps({"do": what}))
            bad[what] += 1
            stop.wait(0.5)  # a hang holds a worker for two seconds, so two of four at most

    def measure():
        before = len(service.ids())
        end, sent = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            send(json.dumps({"do": "measure", "at": time.time()}))
            sent += 1
            time.sleep(1 / per_second)
        wait_until(lambda: len(service.ids()) >= before + sent)
        return sorted(int(id) / 1e3 for id in service.ids()[before:])

    with service.start() as host:
        host.wait_for("Consuming")
        send(json.dumps({"do": "measure", "at": time.time()}))
        wait_until(lambda: service.ids(), what=host.log)
        alone = measure()
        thread = threading.Thread(target=be_bad)
        thread.start()
        try:
            beside = measure()
        finally:
            stop.set()
            thread.join()
        code = host.terminate()

    def percentiles(latencies):
        return latencies[len(latencies) // 2], latencies[len(latencies) * 95 // 100]

    findings = [] if code == 0 else [f"the host exits with {code}"]
    (p50, p95), (beside_p50, beside_p95) = percentiles(alone), percentiles(beside)
    # Whoever waited behind one that hangs would wait two seconds.
    if beside_p50 > p50 + most_ms or beside_p95 > p95 + 10 * most_ms:
        findings.append("the healthy ones have to wait")
    return findings, (f"healthy messages: p50 {p50:.1f} ms, p95 {p95:.1f} ms alone; {beside_p50:.1f} and {beside_p95:.1f} ms beside {bad}")
