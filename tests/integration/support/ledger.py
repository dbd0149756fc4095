# SPDX-License-Identifier: MIT
"""The ledger: sends messages, lets things break by a seeded schedule, and accounts for every id.

What must hold in the end, whatever broke:

- every message that the queue confirmed was processed or is a dead letter;
- nothing was processed that was never sent;
- only messages that asked to fail are dead letters, and those that ask to are never "done";
- the queues are empty;
- no more duplicates than deliveries can have been in hand when connections were lost, each with a cause;
- no host ended but by what was done to it.

A kind of queue plugs in by deriving from `QueueUnderTest`.
"""

import collections
import json
import random
import re
import threading
import time

from .ledger_books import FAILING, Books, some
from .ledger_causes import Causes, KILLED, STOPPED, why_it_ended
from .ledger_host_faults import HOST_FAULTS
from .ledger_processes import PROCESS_FAULTS, LedgerProcesses
from .python_service import PythonLedgerFolder


class QueueUnderTest:
    """One queue of one kind, with all that the harness needs to know of it.

    `prefetch`: how many deliveries a host may hold; the harness sets PREFETCH to it, or to `auto` where `tuned`.
    `batch`: how many messages are sent at a time. `frozen_s`: how long a stopped host stands still.
    """

    queue = "ledger"
    prefetch = 20
    tuned = False
    batch = 1
    frozen_s = 7

    def settings(self):
        """The environment with which a host consumes this queue."""
        raise NotImplementedError

    def make(self):
        """Makes the queue, where sending would not."""

    def send(self, messages):
        """Sends (id, body) pairs; gives the ids that were confirmed. Of others, also after an exception, nobody knows."""
        raise NotImplementedError

    def dead_letter_bodies(self):
        """The bodies of all dead letters, which stay."""
        raise NotImplementedError

    def waiting(self):
        """How many messages wait: in the queue and for their retries."""
        raise NotImplementedError

    def backlog(self):
        """Where they wait, for the report: a text that begins a new line, or none."""
        return ""

    def faults(self):
        """Name -> function(run): what can break besides the host. Each mends what it broke."""
        return {}

    def soak_faults(self):
        """More of them, which take too long for CI."""
        return {}

    def close(self):
        """Frees everything."""


# A dead letter comes twice where its confirm or the acknowledgement after it was lost; not every second.
MOST_COPIES = 10


class LedgerRun:
    """One run: hosts that are started again whenever they end, a sender, and faults in turn.

    `folder`: a ServiceFolder with the ledger service. `mix`: order -> share of the messages. `strict`: every duplicate
    and every end of a host needs a cause, and the deaths of hosts excuse no dead letter. Where the folder's service has
    processes of its own, no message ends a host, those that end them are in `processes`, and nobody is charged but who was
    begun.
    """

    MIX = {"": 0.80, "sleep:20": 0.16, "throw": 0.02, "permanent": 0.015, "abort": 0.005}

    def __init__(self, queue, folder, seed, program="svchost", mix=None, rate=150, hosts=1, strict=False, may_fail=(), **settings):
        self.queue = queue
        self.folder = folder
        self.processes = LedgerProcesses(self) if isinstance(folder, PythonLedgerFolder) else None
        self.books = Books(may_fail=frozenset(may_fail))
        self.causes = Causes()
        self.random = random.Random(seed)
        self.said = []
        self.findings = []  # of faults that look for themselves
        self._sender_random = random.Random(f"{seed} sender")
        self._program = program
        self._mix = mix or self.MIX
        self._rate = rate
        self._strict = strict
        self._lock = threading.Lock()  # Held by the sender for each message, and by who needs it to pause.
        self._stop = threading.Event()
        self._slots = [None] * hosts  # those that run now
        self._hosts = []  # all that ever ran
        self._host_lock = threading.RLock()
        folder.settings.update(
            {
                **queue.settings(),
                "LedgerServiceProcessor_QUEUE_NAME": queue.queue,
                "PREFETCH": "auto" if queue.tuned else str(queue.prefetch),
                "MAX_ATTEMPTS": "3",
                "RETRY_DELAY": "100ms",
                **{name: str(value) for name, value in settings.items()},
            }
        )
        self._max_attempts = int(folder.settings["MAX_ATTEMPTS"])

    # ---- What faults may use -------------------------------------------------------------------

    def say(self, text):
        self.said.append(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def some_host(self):
        """One of the hosts that run, and its slot."""
        slot = self.random.randrange(len(self._slots))
        return self._slots[slot], slot

    def hosts(self):
        """All that ever ran."""
        return list(self._hosts)

    def running_hosts(self):
        """Those that are through with their start: whoever kills a process before ends the host, as its operator wants to know."""
        return [host for host in self._slots if host is not None and host.process.poll() is None and self._consumes(host)]

    def _consumes(self, host):
        host.consumes = host.consumes or "Consuming" in host.log()
        return host.consumes

    def kill_host(self):
        """SIGKILL; it is started again."""
        with self._host_lock:
            host, _ = self.some_host()
            if host.process.poll() is None:
                host.fate = KILLED
                host.kill()

    def kill_every_host(self):
        with self._host_lock:
            for host in self._slots:
                if host.process.poll() is None:
                    host.fate = KILLED
                    host.kill()

    def replace_host(self, slot, fate=STOPPED, **how):
        """Stops the host of a slot in good order and starts another there, with settings of its own."""
        with self._host_lock:
            old = self._slots[slot]
            if old.process.poll() is None:
                old.fate = fate
                self._terminate(old)
            self._note_end(old)  # by itself, if a message ended it just now
            self._start_host(slot, **how)
            return self._slots[slot]

    def sending_paused(self):
        """A context in which nothing is sent."""
        return self._lock

    def send_orders(self, orders):
        """Sends messages that ask for these; gives their ids. While sending is paused."""
        ids = [f"m{len(self.books.orders) + number + 1}" for number in range(len(orders))]
        self.books.orders.update(zip(ids, orders))
        bodies = [json.dumps({"id": id, "do": order}) for id, order in zip(ids, orders)]
        self.books.confirmed |= set(self.queue.send(list(zip(ids, bodies))))
        return ids

    def write_off_what_waits(self):
        """Excuses every message that is not yet settled: the queue is about to be deleted. Call it
        while sending is paused."""
        self.books.deleted |= set(self.books.orders) - set(self.folder.ids())

    # ---- The run -------------------------------------------------------------------------------

    def run(self, faults, seconds=0, drain_timeout=180):
        """Breaks things: each of `faults` (names) once in a seeded order, and then at random until
        `seconds` are over. Returns the findings; none is what is wanted."""
        self._began = time.monotonic()
        known = {**HOST_FAULTS, **PROCESS_FAULTS, **self.queue.faults(), **self.queue.soak_faults()}
        threads = [threading.Thread(target=self._keep_hosts), threading.Thread(target=self._send)]
        for slot in range(len(self._slots)):
            self._start_host(slot)
        for thread in threads:
            thread.start()
        try:
            schedule = self.random.sample(sorted(faults), len(faults))
            while schedule or time.monotonic() - self._began < seconds:
                name = schedule.pop() if schedule else self.random.choice(sorted(faults))
                time.sleep(self.random.uniform(0.5, 2.0))
                self._break(name, known[name])
            time.sleep(1)
            self._sending_over = True
            threads[1].join()
            self._wait_until_drained(drain_timeout)
        except BaseException:
            self._stop.set()
            self.kill_every_host()
            raise
        finally:
            self._sending_over = True
            self._stop.set()
            for thread in threads:
                thread.join()
        codes = [self._terminate(host) for host in self._slots]
        return self._account(codes)

    def _break(self, name, fault):
        self.say(name)
        began = time.time()
        fault(self)
        # Faults of hosts and processes say themselves which one they hit; some are no excuse for anything.
        if name not in HOST_FAULTS and name not in PROCESS_FAULTS and getattr(fault, "excuses", True):
            self.causes.add(name, began)
        self.say(f"  {name}: over")

    def _account(self, codes):
        done = self.folder.ledger()
        ids = [id for id, *_ in done]
        dead = [_id_of(body) for body in self.queue.dead_letter_bodies()]
        charged = self._charged(set(ids))
        excused = set() if self._strict else charged
        findings = self.books.findings(ids, dead, self.queue.waiting(), self._allowed_duplicates(), excused)
        findings += [f"a host exits with {code}" for code in codes if code != 0]
        reasons, unexpected = self._ends()
        counts, unexplained = self.causes.explain(self._runs(done))
        if self._strict and unexplained:
            findings.append(f"{len(unexplained)} duplicates without a cause: {some(unexplained)}")
        if self._strict and unexpected:
            findings.append(f"hosts ended unexpectedly: {dict(unexpected)}")
        copies = collections.Counter(dead)
        if self._strict and (many := {id for id, times in copies.items() if times > MOST_COPIES}):
            findings.append(f"{len(many)} are dead letters more than {MOST_COPIES} times: {some(many)}")
        findings += self.findings
        if self.processes:
            findings += self.processes.account(counts, self._begins())
        orders, settled = self.books.orders, set(ids) | set(dead)
        innocents = {id for id in dead if orders.get(id) not in FAILING}
        self.say(
            f"{len(orders)} sent, {len(self.books.confirmed)} confirmed, "
            f"{len(self.books.confirmed - settled - self.books.deleted)} lost, {len(settled - set(orders))} unexpected, "
            f"{len(self.books.deleted - settled)} deleted with their queue"
        )
        self.say(f"{len(set(ids))} done, {len(ids) - len(set(ids))} duplicates: {dict(counts)}")
        self.say(f"{len(copies)} dead letters, {len(dead) - len(copies)} copies of them, {len(innocents)} innocents among them"
                 f" ({len(innocents & charged)} in hand whenever hosts died)")
        self.say(f"{len(self._hosts)} hosts; ended: {dict(reasons)}; the last: {codes}")
        return findings

    def report(self):
        return "\n".join(self.said)

    # ---- Hosts ---------------------------------------------------------------------------------

    def _start_host(self, slot, clock_ahead_s=0, **how):
        with self._host_lock:
            host = self.folder.start(self._program, **how)
            host.fate, host.ended, host.clock_ahead_s, host.consumes = None, None, clock_ahead_s, False
            self._slots[slot] = host
            self._hosts.append(host)

    def _keep_hosts(self):
        # As systemd or Docker would.
        while not self._stop.is_set():
            with self._host_lock:
                for slot, host in enumerate(self._slots):
                    if host.process.poll() is not None:
                        self._note_end(host)
                        self._start_host(slot)
            time.sleep(0.1)

    def _note_end(self, host):
        if host.ended is None:
            host.ended = time.time()
            self.causes.add(f"host ended ({host.process.returncode})", host.ended - 1, host.ended, host.pid)

    def _terminate(self, host):
        if host.process.poll() is None:
            host.fate = host.fate or STOPPED
            try:
                host.terminate()
            except Exception:  # noqa: BLE001 - whatever it waited for did not come
                host.kill()
                self._note_end(host)
                return "SIGKILL: SIGTERM did not end it"
        self._note_end(host)
        return host.process.returncode

    def _ends(self):
        """How often hosts ended for which reason, and how often for none."""
        begun, done = collections.defaultdict(set), collections.defaultdict(set)
        for event, by_pid in (("begin", begun), ("done", done)):
            for id, _, pid, _ in self.folder.ledger(event):
                by_pid[pid].add(id)
        reasons, unexpected = collections.Counter(), collections.Counter()
        for host in self._hosts:
            why, expected = why_it_ended(host, host.process.returncode, host.ended or time.time(),
                                         begun[host.pid] - done[host.pid], {} if self.processes else self.books.orders,
                                         self.causes)
            reasons[why] += 1
            if not expected:
                unexpected[f"{why} (pid {host.pid})"] += 1
        return reasons, unexpected

    def _runs(self, done):
        """(id, (process, host), seconds) of each run that came to its end, by the time at which it began."""
        begun = collections.defaultdict(list)
        for id, _, process, at in self.folder.ledger_by_process("begin"):
            begun[id, process].append(at)
        for (id, _, host, at), (*_, process, _) in zip(done, self.folder.ledger_by_process()):
            start = max(start for start in begun[id, process] if start <= at)
            yield id, (process, host), self._true_time(host, start)

    def _begins(self):
        """(id, attempt) of each run, in the order in which they began."""
        begins = self.folder.ledger("begin")
        return [(id, attempt) for id, attempt, pid, at in sorted(begins, key=lambda one: self._true_time(one[2], one[3]))]

    def _true_time(self, pid, microseconds):
        ahead = next((host.clock_ahead_s for host in self._hosts if host.pid == pid), 0)
        return microseconds / 1e6 - ahead

    # ---- Messages ------------------------------------------------------------------------------

    _sending_over = False

    def _send(self):
        verbs, shares = zip(*self._mix.items())
        while not self._sending_over:
            with self._lock:
                try:
                    self.send_orders(self._sender_random.choices(verbs, shares, k=self.queue.batch))
                except Exception:  # noqa: BLE001 - whatever broke, the messages may be there or not
                    time.sleep(0.2)
            time.sleep(self.queue.batch / self._rate)

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
        self.say(f"not drained after {timeout} s{self.queue.backlog()}")

    def _charged(self, done):
        """Messages that ask for no failure, and were in hand when as many hosts died as there may be attempts:
        whoever kills a host in the middle of a call looks like the message itself."""
        died = {host.pid for host in self._hosts if host.process.returncode not in (None, 0)}
        deaths = collections.defaultdict(set)
        for id, _, pid, _ in self.folder.ledger("begin"):
            if id not in done and pid in died and self.books.orders.get(id) not in FAILING:
                deaths[id].add(pid)
        return {id for id, pids in deaths.items() if len(pids) >= self._max_attempts}

    def _allowed_duplicates(self):
        subscriptions = sum(len(re.findall("Consuming '", host.log())) for host in self._hosts)
        return self.queue.prefetch * (subscriptions + len(self._hosts))


def _id_of(body):
    try:
        return json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        return body
