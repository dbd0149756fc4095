# SPDX-License-Identifier: MIT
"""The ledger: sends messages, lets things break by a seeded schedule, and accounts for every id.

What must hold in the end, whatever broke:

- every message that the queue confirmed was processed or is a dead letter;
- nothing was processed that was never sent;
- only messages that asked to fail are dead letters, and those that ask to are never "done";
- the queues are empty;
- no more duplicates than deliveries can have been in hand when connections were lost.

A kind of queue plugs in by deriving from `QueueUnderTest`.
"""

import collections
import dataclasses
import json
import random
import signal
import threading
import time


class QueueUnderTest:
    """One queue of one kind, with all that the harness needs to know of it.

    `prefetch`: how many deliveries a host may hold; the harness sets PREFETCH to it, or to `auto` where `tuned`.
    """

    queue = "ledger"
    prefetch = 20
    tuned = False

    def settings(self):
        """The environment with which a host consumes this queue."""
        raise NotImplementedError

    def send(self, id, body):
        """Sends one message. True: confirmed. False, or an exception: nobody knows."""
        raise NotImplementedError

    def dead_letter_bodies(self):
        """The bodies of all dead letters, which stay."""
        raise NotImplementedError

    def waiting(self):
        """How many messages wait: in the queue and for their retries."""
        raise NotImplementedError

    def faults(self):
        """Name -> function(run): what can break besides the host. Each mends what it broke."""
        return {}

    def close(self):
        """Frees everything."""


FAILING = ("throw", "permanent", "abort")  # What a message may ask for that ends it among the dead letters.


@dataclasses.dataclass
class Books:
    """What was sent, and what is known of it."""

    orders: dict = dataclasses.field(default_factory=dict)  # id -> what the message asks for
    confirmed: set = dataclasses.field(default_factory=set)
    deleted: set = dataclasses.field(default_factory=set)  # may have been in a queue that was deleted

    def findings(self, done, dead, waiting, allowed_duplicates, charged=frozenset()):
        """Every rule that is broken, as text. `done`: ids in the order of the service's log;
        `dead`: ids of the dead letters; `charged`: ids that were in hand whenever MAX_ATTEMPTS
        hosts died, which are given up, guilty or not."""
        findings = []
        times = collections.Counter(done)
        settled = set(times) | set(dead)
        failing = {id for id, order in self.orders.items() if order in FAILING}

        def report(what, ids):
            if ids:
                some = sorted(ids, key=str)[:10]
                findings.append(f"{len(ids)} {what}: {', '.join(map(str, some))}")

        report("confirmed and lost", self.confirmed - settled - self.deleted)
        report("processed or given up, and never sent", settled - set(self.orders))
        report("dead letters without a reason", set(dead) - failing - charged)
        report("done though they fail", set(times) & failing)
        if waiting:
            findings.append(f"{waiting} messages are still in the queues")
        duplicates = sum(times.values()) - len(times)
        if duplicates > allowed_duplicates:
            findings.append(f"{duplicates} duplicates, {allowed_duplicates} can be explained")
        return findings


class LedgerRun:
    """One run: a host that is started again whenever it ends, a sender, and faults in turn.

    `folder`: a ServiceFolder with the ledger service. `mix`: order -> share of the messages.
    """

    MAX_ATTEMPTS = 3
    MIX = {"": 0.80, "sleep:20": 0.16, "throw": 0.02, "permanent": 0.015, "abort": 0.005}

    def __init__(self, queue, folder, seed, program="svchost", mix=None, rate=150, **settings):
        self.queue = queue
        self.folder = folder
        self.books = Books()
        self.random = random.Random(seed)
        self.said = []
        self._program = program
        self._mix = mix or self.MIX
        self._rate = rate
        self._lock = threading.Lock()  # Held by the sender for each message, and by who needs it to pause.
        self._stop = threading.Event()
        self._hosts = []
        self._host_lock = threading.RLock()
        folder.settings.update(
            {
                **queue.settings(),
                "LedgerServiceProcessor_QUEUE_NAME": queue.queue,
                "PREFETCH": "auto" if queue.tuned else str(queue.prefetch),
                "MAX_ATTEMPTS": str(self.MAX_ATTEMPTS),
                "RETRY_DELAY": "100ms",
                **{name: str(value) for name, value in settings.items()},
            }
        )

    # ---- What faults may use -------------------------------------------------------------------

    def say(self, text):
        self.said.append(f"{time.monotonic() - self._began:6.1f} s  {text}")

    @property
    def host(self):
        return self._hosts[-1]

    def kill_host(self):
        """SIGKILL; it is started again."""
        with self._host_lock:
            if self.host.process.poll() is None:
                self.host.kill()

    def freeze_host(self, seconds):
        """SIGSTOP for so long."""
        with self._host_lock:
            if self.host.process.poll() is None:
                self.host.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        with self._host_lock:
            if self.host.process.poll() is None:
                self.host.process.send_signal(signal.SIGCONT)

    def sending_paused(self):
        """A context in which nothing is sent."""
        return self._lock

    def write_off_what_waits(self):
        """Excuses every message that is not yet settled: the queue is about to be deleted. Call it
        while sending is paused."""
        self.books.deleted |= set(self.books.orders) - set(self.folder.ids())

    # ---- The run -------------------------------------------------------------------------------

    def run(self, faults, seconds=0, drain_timeout=180):
        """Breaks things: each of `faults` (names) once in a seeded order, and then at random until
        `seconds` are over. Returns the findings; none is what is wanted."""
        self._began = time.monotonic()
        known = {"host killed": LedgerRun.kill_host, **self.queue.faults()}
        threads = [threading.Thread(target=self._keep_host), threading.Thread(target=self._send)]
        self._start_host()
        for thread in threads:
            thread.start()
        try:
            schedule = self.random.sample(sorted(faults), len(faults))
            while schedule or time.monotonic() - self._began < seconds:
                name = schedule.pop() if schedule else self.random.choice(sorted(faults))
                time.sleep(self.random.uniform(0.5, 2.0))
                self.say(name)
                known[name](self)
                self.say(f"  {name}: over")
            time.sleep(1)
        finally:
            self._sending_over = True
            threads[1].join()
        try:
            self._wait_until_drained(drain_timeout)
        finally:
            self._stop.set()
            threads[0].join()
        exit_code = self._stop_host()
        done = self.folder.ids()
        dead = [_id_of(body) for body in self.queue.dead_letter_bodies()]
        charged = self._charged(set(done))
        findings = self.books.findings(done, dead, self.queue.waiting(), self._allowed_duplicates(), charged)
        if exit_code != 0:
            findings.append(f"the host exits with {exit_code}")
        self.say(
            f"{len(self.books.orders)} sent, {len(self.books.confirmed)} confirmed, "
            f"{len(set(done))} done ({len(done) - len(set(done))} duplicates), {len(set(dead))} dead letters "
            f"({len(charged & set(dead))} for the deaths of hosts), "
            f"{len(self.books.deleted - set(done) - set(dead))} deleted with their queue, {len(self._hosts)} hosts"
        )
        return findings

    def report(self):
        return "\n".join(self.said)

    def _start_host(self):
        with self._host_lock:
            self._hosts.append(self.folder.start(self._program))

    def _keep_host(self):
        # As systemd or Docker would.
        while not self._stop.is_set():
            with self._host_lock:
                if self.host.process.poll() is not None:
                    self._start_host()
            time.sleep(0.1)

    def _stop_host(self):
        if self.host.process.poll() is None:
            try:
                return self.host.terminate()
            except Exception:
                self.host.kill()
                return "SIGKILL: SIGTERM did not end it"
        return self.host.process.returncode

    _sending_over = False

    def _send(self):
        verbs, shares = zip(*self._mix.items())
        number = 0
        while not self._sending_over:
            number += 1
            id = f"m{number}"
            order = self.random.choices(verbs, shares)[0]
            with self._lock:
                self.books.orders[id] = order
                try:
                    if self.queue.send(id, json.dumps({"id": id, "do": order})):
                        self.books.confirmed.add(id)
                except Exception:  # noqa: BLE001 - whatever broke, the message may be there or not
                    time.sleep(0.2)
            time.sleep(1 / self._rate)

    def _wait_until_drained(self, timeout):
        """Until nothing waits and the service has had nothing to do for a while."""
        deadline = time.monotonic() + timeout
        quiet_since = None
        before = None
        while time.monotonic() < deadline:
            now = (self.queue.waiting(), len(self.folder.ids("begin")))
            if now[0] != 0 or now != before:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > 3:
                return
            before = now
            time.sleep(0.25)
        self.say(f"not drained after {timeout} s")

    def _charged(self, done):
        """Messages that ask for no failure, and were in hand when as many hosts died as there may be attempts:
        whoever kills a host in the middle of a call looks like the message itself."""
        died = {host.pid for host in self._hosts if host.process.returncode not in (None, 0)}
        deaths = collections.defaultdict(set)
        for id, _, pid, _ in self.folder.ledger("begin"):
            if id not in done and pid in died and self.books.orders.get(id) not in FAILING:
                deaths[id].add(pid)
        return {id for id, pids in deaths.items() if len(pids) >= self.MAX_ATTEMPTS}

    def _allowed_duplicates(self):
        subscriptions = sum(host.log().count("Consuming '") for host in self._hosts)
        return self.queue.prefetch * (subscriptions + len(self._hosts))


def _id_of(body):
    try:
        return json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        return body
