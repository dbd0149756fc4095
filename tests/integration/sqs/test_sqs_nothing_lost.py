# SPDX-License-Identifier: MIT
"""Hosts that are killed, and a network that cannot be trusted: every message is accounted for."""

import collections
import json
import random
import time

import pytest
from support.host import wait_until

MESSAGES = 3000
KILLS = 12


def bodies(count, work="sleep:1"):
    return [json.dumps({"id": str(n), "do": work}) for n in range(count)]


def killed_again_and_again(service, rng, kills=KILLS):
    """Runs a host, killing it at random moments; returns the last one, alive."""
    for _ in range(kills):
        host = service.start()
        wait_until(lambda: service.ids("begin"), what=host.log)
        time.sleep(rng.uniform(0.1, 0.8))
        host.kill()
    return service.start()


def account(service, count, dead=()):
    processed = service.ids()
    lost = {str(n) for n in range(count)} - set(processed) - set(dead)
    duplicates = sum(collections.Counter(processed).values()) - len(set(processed))
    assert not lost
    return duplicates


def test_killed_hosts_lose_nothing(make_queue, sqs_service, capsys):
    queue = make_queue("in")
    queue.send(*bodies(MESSAGES))
    # A kill costs whatever was fetched one receive; none of it may be taken for a poison message.
    service = sqs_service(queue.name, MAX_ATTEMPTS=50, VISIBILITY_TIMEOUT="2s")
    with killed_again_and_again(service, random.Random(5)) as host:
        wait_until(lambda: queue.count() == 0, 180)
        assert host.terminate() == 0
    duplicates = account(service, MESSAGES)
    with capsys.disabled():
        print(f"\n  {MESSAGES} sent, {KILLS} kills, {duplicates} duplicates, none lost")
    # What a killed host had processed and not yet deleted comes again: its prefetch at most.
    assert duplicates <= KILLS * 200


def test_a_bad_network_loses_nothing(make_queue, sqs_service, fault_proxy, capsys):
    queue = make_queue("in")
    queue.send(*bodies(MESSAGES))
    service = sqs_service(queue.name, endpoint=fault_proxy.url, MAX_ATTEMPTS=50)
    with service.start() as host:
        wait_until(lambda: service.ids("begin"))
        fault_proxy.share = 0.25
        wait_until(lambda: queue.count() == 0, 300)
        fault_proxy.share = 0
        assert host.terminate() == 0
    duplicates = account(service, MESSAGES)
    with capsys.disabled():
        print(f"\n  {MESSAGES} sent, faults {fault_proxy.injected}, {duplicates} duplicates, none lost")
    assert len(fault_proxy.injected) == 6
    # A delete whose answer was spoilt has been done: no message is processed twice for that.
    assert duplicates == 0


@pytest.mark.parametrize("faults", [False, True], ids=["kills", "kills-and-faults"])
def test_fifo_groups_keep_their_order(make_queue, sqs_service, fault_proxy, faults):
    queue = make_queue("in.fifo", FifoQueue="true")
    groups, each = 6, 30
    for group in range(groups):
        queue.send(*(json.dumps({"id": f"{group}.{n}", "do": "sleep:5"}) for n in range(each)), group=f"g{group}")
    service = sqs_service(queue.name, endpoint=fault_proxy.url, NUM_THREADS=4, MAX_ATTEMPTS=50, VISIBILITY_TIMEOUT="2s")
    fault_proxy.share = 0.15 if faults else 0
    with killed_again_and_again(service, random.Random(7), 4):
        wait_until(lambda: queue.count() == 0, 300)
    following = collections.Counter()
    for group, number in (map(int, id.split(".")) for id in service.ids()):
        # One may come again (its delete did not make it), none may be overtaken.
        assert number <= following[group], f"{group}.{number} overtook {group}.{following[group]}"
        following[group] = max(following[group], number + 1)
    assert all(following[group] == each for group in range(groups))
