# SPDX-License-Identifier: MIT
"""A job that takes longer than the visibility timeout is delivered once."""

import json

from support.host import wait_until


def test_a_job_of_three_times_the_visibility_timeout_is_begun_once(make_queue, sqs_service):
    queue = make_queue("in")
    queue.send(*(json.dumps({"id": str(n), "do": "sleep:12500"}) for n in range(3)))
    service = sqs_service(queue.name, NUM_THREADS=3, VISIBILITY_TIMEOUT="4s")
    with service.start():
        wait_until(lambda: queue.count() == 0)
    assert sorted(service.ids("begin")) == ["0", "1", "2"]
    assert sorted(service.ids()) == ["0", "1", "2"]


def test_messages_wait_in_the_host_without_coming_back(make_queue, sqs_service):
    queue = make_queue("in")
    queue.send(*(json.dumps({"id": str(n), "do": "sleep:1000"}) for n in range(8)))
    service = sqs_service(queue.name, NUM_THREADS=1, PREFETCH=8, VISIBILITY_TIMEOUT="4s")
    with service.start():
        wait_until(lambda: queue.count() == 0)
    assert [(id, attempt) for id, attempt, *_ in service.ledger("begin")] == [
        (id, 1) for id in dict.fromkeys(service.ids("begin"))
    ]
    assert len(service.ids()) == 8


def test_a_stop_gives_back_what_was_not_begun(make_queue, sqs_service):
    queue = make_queue("in")
    queue.send(*(json.dumps({"id": str(n), "do": "sleep:500"}) for n in range(10)))
    service = sqs_service(queue.name, NUM_THREADS=1, PREFETCH=10, VISIBILITY_TIMEOUT="600s")
    with service.start() as host:
        wait_until(lambda: service.ids("begin"))
        assert host.terminate() == 0
    done = len(service.ids())
    assert done == len(service.ids("begin")) < 10
    with service.start():
        wait_until(lambda: len(set(service.ids())) == 10)  # long before their time as hidden messages is over
    assert len(service.ids()) == 10
