# SPDX-License-Identifier: MIT
"""A task of Celery that only counts; acknowledged when it has returned. As a program it sends: `celery_tasks.py COUNT FILE`."""

import json
import os
import pathlib
import sys

import celery

app = celery.Celery("celery_tasks", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="bench-celery",
    worker_prefetch_multiplier=128,  # as many in hand as svchost gives its process; with the default of 4 it is slower
    worker_send_task_events=False,
)
meter = None


@app.task
def handle(message):
    global meter
    if meter is None:
        from meter import Meter

        meter = Meter()
    meter.note()


def main():
    message = json.loads(pathlib.Path(sys.argv[2]).read_text())
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(int(sys.argv[1])):
            handle.apply_async((message,), producer=producer)


if __name__ == "__main__":
    # The worker imports the module under its name: so must who sends.
    sys.modules["celery_tasks"] = sys.modules["__main__"]
    main()
