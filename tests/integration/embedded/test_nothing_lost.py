# SPDX-License-Identifier: MIT
"""Three senders, two hosts, forty SIGKILLs: every message is accounted for by its id."""

import collections
import json
import random
import threading
import time

from support.embedded_queue import messages_in
from support.host import wait_until

MESSAGES_PER_SENDER = 20_000 // 3 + 1
SENDERS = 3
HOSTS = 2
KILLS_PER_HOST = 20
PREFETCH = 100


def send_all(service, sender):
    # A millisecond of work each, so that the kills find messages in hand and in the queue.
    ids = [f"{sender}-{number}" for number in range(MESSAGES_PER_SENDER)]
    service.send("ledger", *(json.dumps({"id": id, "do": "sleep:1"}) for id in ids))
    return ids


def killed_again_and_again(service, program, rng, alive, **more):
    """Runs one host, killing it at random moments and starting it again."""
    for _ in range(KILLS_PER_HOST):
        host = service.start(program, **more)
        time.sleep(rng.uniform(0.05, 0.6))
        host.kill()
    alive.append(service.start(program, **more))


def dead_letter_ids(service):
    listed = service.run("dead-letters", "list", "--queue", "ledger", "--json", "--limit", "100000")
    assert listed.returncode == 0, listed.stderr
    return [json.loads(letter["body"])["id"] for letter in json.loads(listed.stdout)]


def account(service, program="svchost", **more):
    """Sends, kills, waits; returns ids that were sent, processed (with repetition) and dead."""
    more = {"PREFETCH": PREFETCH, **more}
    rng = random.Random(20261124)
    sent, alive = [], []
    senders = [threading.Thread(target=lambda n=n: sent.extend(send_all(service, n))) for n in range(SENDERS)]
    hosts = [
        threading.Thread(target=killed_again_and_again, args=(service, program, rng, alive), kwargs=more)
        for _ in range(HOSTS)
    ]
    for thread in senders + hosts:
        thread.start()
    for thread in senders + hosts:
        thread.join()
    try:
        # The last hosts finish the rest.
        wait_until(lambda: messages_in(service.path / ".svchost/queue.db", "ledger") == 0, 300)
    finally:
        codes = [host.terminate() for host in alive]
    assert codes == [0] * HOSTS
    return sent, service.ids(), dead_letter_ids(service)


def test_every_message_is_processed_or_a_dead_letter(service, capsys):
    sent, processed, dead = account(service)

    assert len(sent) == len(set(sent)) == SENDERS * MESSAGES_PER_SENDER
    lost = set(sent) - set(processed) - set(dead)
    invented = set(processed) - set(sent)
    duplicates = sum(collections.Counter(processed).values()) - len(set(processed))
    with capsys.disabled():
        print(f"\n  {len(sent)} sent, {len(set(processed))} processed, {len(dead)} dead letters,"
              f" {duplicates} duplicates, {len(lost)} lost")
    assert not lost
    assert not invented
    # At most what each killed host had processed and not yet settled, which is what it may hold.
    assert duplicates <= HOSTS * KILLS_PER_HOST * PREFETCH


def test_the_count_notices_a_host_that_acknowledges_too_early(service):
    sent, processed, dead = account(service, "mutant_svchost", MUTANT="ack-before-processing")

    assert set(sent) - set(processed) - set(dead), "the mutant must lose messages, and this must notice"
