# SPDX-License-Identifier: MIT
"""CPU time of a worker for each message: `bench_worker.py [PYTHON…]`, by default this interpreter.

1 KiB of JSON and 200 bytes of metadata, a processor that does nothing, windows of 128, 16 and 1. The floor is
`json.loads(raw.decode())` and the call, in a loop: compare with that, as the machine's speed changes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from fake_host import FakeHost  # noqa: E402
from rococo_svchost import frames  # noqa: E402

PROCESSOR = """
from rococo.messaging import BaseServiceProcessor

class BenchServiceProcessor(BaseServiceProcessor):
    def process(self, message):
        pass
"""
ITEMS = [{"sku": f"sku-{i:05}", "quantity": i, "price": i * 1.25} for i in range(17)]
BODY = json.dumps({"id": 123456, "customer": "a" * 100, "items": ITEMS}).encode()
META = {"id": "0b0cd3f8-3b2e-4ab2-9ad1-7a4f4f5b3c11", "headers": [["tenant", "a" * 24], ["trace", "b" * 48]], "sent_at": 1764550000000000}
ROUNDS = 5
FLOOR = """
import json, sys, time
raw = sys.stdin.buffer.read()
def process(message): pass
best = 1e9
for _ in range(2):
    began = time.process_time()
    for _ in range(20000): process(json.loads(raw.decode()))
    best = min(best, (time.process_time() - began) / 20000)
print(best * 1e6)
"""


def cpu_seconds(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def one_round(host, seq, size, count):
    """Processes `count` messages in windows of `size`; returns CPU µs a message, and the next number."""
    meta = frames.encode_meta(META)
    before = cpu_seconds(host.pid)
    for _ in range(count // size):
        last = seq + size - 1
        kinds = [frames.MESSAGE] * (size - 1) + [frames.MESSAGE | frames.LAST]
        host.child.write(b"".join(frames.encode(kind, number, meta, BODY) for number, kind in enumerate(kinds, seq)))
        host.child.wait_for_frame(frames.DONE)
        host.child.forget()
        seq = last + 1
    return (cpu_seconds(host.pid) - before) / count * 1e6, seq


def floor_us(python):
    return float(subprocess.run([python, "-c", FLOOR], input=BODY, stdout=subprocess.PIPE, check=True).stdout)


def measure(python, folder):
    began = time.perf_counter()
    with FakeHost(folder, python=python) as host:
        start_ms = (time.perf_counter() - began) * 1e3
        status = pathlib.Path(f"/proc/{host.pid}/status").read_text().splitlines()
        resident_kb = int([line for line in status if line.startswith("VmRSS")][0].split()[1])
        cpu_ms = cpu_seconds(host.pid) * 1e3
        print(f"{host.ready['interpreter']}: started in {start_ms:.0f} ms ({cpu_ms:.0f} ms of CPU), {resident_kb / 1024:.1f} MiB")
        print(f"  {len(BODY)} bytes of body, {len(frames.encode_meta(META))} of metadata; CPU µs a message, best and median of {ROUNDS} rounds")
        seq, rounds = 1, {"floor": []}
        for _ in range(ROUNDS):  # by turns: the machine is shared, and its speed changes
            rounds["floor"].append(floor_us(python))
            for size, count in ((128, 25600), (16, 8000), (1, 1000)):
                cpu, seq = one_round(host, seq, size, count)
                rounds.setdefault(f"windows of {size}", []).append(cpu)
        for name, values in rounds.items():
            print(f"  {name:14} {min(values):6.2f} {sorted(values)[ROUNDS // 2]:6.2f}", flush=True)


def main():
    os.environ.pop("PYTHONPATH", None)
    for python in sys.argv[1:] or [sys.executable]:
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "processor.py").write_text(PROCESSOR)
            measure(python, folder)


if __name__ == "__main__":
    main()
