# SPDX-License-Identifier: MIT
"""A host as the admin API shows it (docs/ADMIN_API.md), without a queue: what it says is what it was told."""

import datetime
import itertools
import math
import random
import time

import mock_scenes

FIELDS = [
    "at", "acknowledged", "retried", "dead_lettered", "dropped", "p50_s", "p99_s", "busy_workers", "in_hand", "ready",
    "retry", "dead_letters", "resident", "cpu_s",
]  # fmt: skip
FINE, COARSE, STEP = 300, 360, 10


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status, text, **more):
        super().__init__(text)
        self.status = status
        self.answer = {"error": text, **more}


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def merged(old, new):
    """`old` with what `new` says, down to the leaves; a negative number in the place of a time means so long ago."""
    if not isinstance(new, dict):
        return rfc3339(time.time() + new) if isinstance(new, (int, float)) and new < 0 else new
    old = old if isinstance(old, dict) else {}
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


class Host:
    """`live`: time passes in it, as in a host that works; otherwise only what a test does happens."""

    def __init__(self, name="web1-4711", queue="orders", live=False, scheduled=False, scene="letters", seed=1):
        self.started = time.time() - 3725
        self.live = live
        self.random = random.Random(seed)
        self.numbers = itertools.count(1)
        self.letters = {} if scheduled or scene == "calm" else {item["id"]: item for item in mock_scenes.letters()}
        self.taken = None
        self.edited = None
        self.log = []
        self.failures = []
        self.last_history = int(time.time()) - FINE
        self.fine, self.coarse = [], []
        self.status = merged(self._calm(name, queue, scheduled), mock_scenes.SCENES[scene])
        self.runs = self._runs() if scheduled else []
        for line in mock_scenes.LINES:
            self.add_line(*line)
        if self.letters:
            for at, failure in enumerate(mock_scenes.FAILURES):
                self.add_failure(*failure, seconds_ago=40 * at, message=f"order-{101 + at}")
        self._fill_history()

    def _calm(self, name, queue, scheduled):
        connection = {"state": "consuming", "reason": "", "since": rfc3339(self.started + 1), "reconnects": 0}
        depth = {"ready": 12, "in_hand": 3, "retry": 2, "dead_letters": len(self.letters), "at": rfc3339(time.time())}
        plan = {
            "expression": "*/5 * * * *", "explanation": "every 5 minutes", "zone": "Europe/Berlin", "leads": True, "running": 0,
            "next": [rfc3339(time.time() + 60 + 300 * at) for at in range(5)],
            "last_run": rfc3339(time.time() - 240), "last_success": rfc3339(time.time() - 236),
            "runs": {"ok": 11, "failed": 1}, "skipped": {"overlap": 1},
        }  # fmt: skip
        return {
            "service": {"name": "ReportService" if scheduled else "OrderServiceProcessor", "language": "library", "scheduled": scheduled},
            "host": {"instance": name, "version": "1.2.0", "commit": "73ebe23", "pid": 4711, "started_at": rfc3339(self.started)},
            "phase": "running", "ready": True, "live": True, "remarks": [],
            "queue": None if scheduled else {
                "name": queue, "system": "rabbitmq", "endpoint": "amqp://guest@localhost:5672/", "connection": connection, "depth": depth},
            "paused": None, "workers": 1 if scheduled else 4,
            "in_hand": {"waiting": 10, "processing": 4, "settling": 0, "busy_workers": 3, "oldest_s": 3.2, "prefetch": 64},
            "totals": {"consumed": 100_812, "acknowledged": 100_780, "retried": 10, "dead_lettered": len(self.letters), "dropped": 0,
                       "lost": 0, "sent": 12, "send_failures": 0, "crashes": 0, "process_timeouts": 0},
            "rates": {"window_s": 10, "acknowledged": 98.2, "failed": 0.4, "p50_s": 0.002, "p99_s": 0.030},
            "schedule": plan if scheduled else None,
            "process": {"cpu_s": 81.2, "resident": 15_000_000, "descriptors": 24, "children": 0, "children_cpu_s": 0, "children_resident": 0},
            "log_level": "INFO",
            "capabilities": {"pause": True, "run_now": scheduled, "list_retries": False, "dead_letters": not scheduled, "edit": True,
                             "read_only": False, "bodies": True},
        }  # fmt: skip

    def _runs(self):
        outcomes = ["ok", "ok", "retry", "ok", "skipped", "ok"]
        runs = []
        for at, outcome in enumerate(outcomes):
            due = time.time() - 240 - 300 * at
            detail = {"retry": "the mail server said 451", "skipped": "overlap"}.get(outcome, "")
            started = None if outcome == "skipped" else rfc3339(due + 0.02)
            runs.append({"due": rfc3339(due), "started_at": started, "duration_s": 3.5 + at, "attempt": 1, "outcome": outcome, "detail": detail})
        return runs

    # What happens.

    def add_line(self, level, module, text):
        self.log.append({"number": next(self.numbers), "at": rfc3339(time.time()), "level": level, "module": module, "text": text})
        del self.log[:-1000]

    def restart(self):
        """Another process under the same address, with a log of its own."""
        self.started = time.time()
        self.status["host"]["started_at"] = rfc3339(self.started)
        self.numbers = itertools.count(1)
        self.log = []
        self.add_line("INFO", "host", "Started anew")

    def add_failure(self, outcome, reason, error, attempt, seconds_ago=0, message="order-1"):
        self.failures.append({
            "at": rfc3339(time.time() - seconds_ago), "message": message, "attempt": attempt, "outcome": outcome, "reason": reason,
            "error": error, "duration_s": 0.012, "retry_after_s": 5.0})  # fmt: skip

    def add_letter(self, letter):
        self.letters[letter["id"]] = letter
        self.status["totals"]["dead_lettered"] += 1
        self._count_letters()

    def _count_letters(self):
        depth = self.status["queue"]["depth"]
        depth["dead_letters"], depth["at"] = len(self.letters), rfc3339(time.time())

    def add_points(self, seconds, acknowledged):
        """Seconds of history, in each of which so many messages were acknowledged."""
        for _ in range(seconds):
            self.last_history += 1
            self.fine.append(self._point(self.last_history, acknowledged))
            if self.last_history % STEP == 0:
                self.coarse.append([self.last_history, acknowledged * STEP, *self.fine[-1][2:]])
        del self.fine[:-FINE], self.coarse[:-COARSE]

    def _point(self, at, acknowledged):
        p99 = 0.028 + 0.006 * math.sin(at / 37) + 0.004 * self.random.random()
        busy = min(4, max(0, round(acknowledged / 30)))
        return [at, acknowledged, self.random.random() < 0.06, self.random.random() < 0.01, 0, p99 / 14, p99, busy, busy + 9,
                max(0, round(12 + 10 * math.sin(at / 41))), 2, len(self.letters), 15_000_000 + 40_000 * (at % 60), 0.12]  # fmt: skip

    def _fill_history(self):
        now = int(time.time())
        for at in range(now - now % STEP - STEP * COARSE, self.last_history, STEP):
            self.coarse.append([at, round(980 + 200 * math.sin(at / 300)), *self._point(at, 95)[2:]])
        while self.last_history < now:
            self.add_points(1, self._usual())

    def _usual(self):
        return max(0, round(95 + 18 * math.sin(self.last_history / 23) + self.random.uniform(-8, 8)))

    def pass_time(self):
        if not self.live:
            return
        while self.last_history < int(time.time()):
            stands = self.status["paused"] or (self.status["queue"] or {}).get("connection", {}).get("state") == "lost"
            done = 0 if stands else self._usual()
            self.add_points(1, done)
            self.status["rates"]["acknowledged"] = float(done)
            self.status["totals"]["acknowledged"] += done
            self.status["totals"]["consumed"] += done
            if self.last_history % 7 == 0:
                self.add_line("INFO", "order_service", f"Order order-{self.last_history % 1000} accepted")

    # Reading.

    def get(self, path, query):
        self.pass_time()
        if path.startswith("dead-letters/"):
            return self._letter(path.removeprefix("dead-letters/"))
        reading = {
            "status": self._status, "history": self._history, "in-hand": self._in_hand, "failures": self._failures,
            "retries": self._retries, "dead-letters": self._dead_letters, "schedules": self._schedules,
            "config": lambda _: {"items": mock_scenes.settings()}, "log": self._log,
        }.get(path)  # fmt: skip
        if not reading:
            raise Refusal(404, "there is nothing of that name")
        return reading(query)

    def _status(self, _):
        now = time.time()
        return merged(self.status, {"host": {"now": rfc3339(now), "uptime_s": now - self.started}})

    def _history(self, query):
        since = float(query.get("since", 0))
        later = lambda points: [point for point in points if point[0] > since]  # noqa: E731
        return {"fields": FIELDS, "fine": {"step_s": 1, "points": later(self.fine)}, "coarse": {"step_s": STEP, "points": later(self.coarse)}}

    def _in_hand(self, _):
        items = [{"worker": at, "message": f"order-{211 + at}", "messages": 1, "running_for_s": 0.4 + 9.4 * at, "overdue": at == 3}
                 for at in range(self.status["in_hand"]["processing"])]  # fmt: skip
        return {"items": items, "waiting": self.status["in_hand"]["waiting"]}

    def _failures(self, _):
        return {"items": sorted(self.failures, key=lambda item: item["at"], reverse=True)[:50]}

    def _retries(self, _):
        listed = self.status["capabilities"]["list_retries"]
        items = [{"message": "order-97", "attempt": 2, "due": rfc3339(time.time() + 4), "error": "payment service: HTTP 503"},
                 {"message": "order-99", "attempt": 4, "due": rfc3339(time.time() + 71), "error": "payment service: HTTP 503"}]  # fmt: skip
        return {"listed": listed, "count": len(items), "items": items if listed else []}

    def _dead_letters(self, query):
        if "refresh" in query or not self.taken:
            self.taken = (rfc3339(time.time()), list(self.letters.values()))
        at, letters = self.taken
        items = [self._shown(letter) for letter in letters[:1000]]
        return {"taken_at": at, "count": len(letters), "truncated": len(letters) > len(items), "items": items}

    def _shown(self, letter):
        failed = time.time() - 60 * letter["minutes_ago"]
        hidden = ("body", "headers", "properties", "binary", "minutes_ago")
        shown = {key: value for key, value in letter.items() if key not in hidden}
        size = 48 if "binary" in letter else len(letter["body"])
        return {**shown, "first_failed_at": rfc3339(failed - 60), "last_failed_at": rfc3339(failed), "size": size}

    def _letter(self, name):
        if name not in self.letters:
            raise Refusal(404, "there is no such dead letter")
        letter = self.letters[name]
        body = {"headers": letter["headers"], "properties": letter["properties"],
                "body": None if "binary" in letter else letter["body"], "body_base64": letter.get("binary")}  # fmt: skip
        return {**self._shown(letter), **(body if self.status["capabilities"]["bodies"] else {})}

    def _schedules(self, _):
        plan = self.status["schedule"]
        if not plan:
            return {"items": []}
        shown = {key: plan[key] for key in ("expression", "explanation", "zone", "leads", "next")}
        return {"items": [{"name": "ReportService", **shown, "paused": bool(self.status["paused"]), "last": self.runs}]}

    def _log(self, query):
        after = int(query.get("after", 0))
        items = [line for line in self.log if line["number"] > after]
        return {"last": items[-1]["number"] if items else after, "items": items}

    # Steering.

    def post(self, path, body):
        if self.status["capabilities"]["read_only"]:
            raise Refusal(403, "this host is read-only (ADMIN_READ_ONLY)")
        if path.startswith("dead-letters/") and path.endswith("/edit"):
            return self._edit(path.removeprefix("dead-letters/").removesuffix("/edit"), body["body"])
        steering = {
            "pause": self._pause, "resume": self._resume, "schedules/run": self._run, "log-level": self._log_level,
            "dead-letters/requeue": lambda asked: {"requeued": self._take(asked)},
            "dead-letters/delete": lambda asked: {"deleted": self._take(asked)},
        }.get(path)  # fmt: skip
        if not steering:
            raise Refusal(404, "there is nothing of that name")
        return steering(body)

    def _pause(self, body):
        until = rfc3339(time.time() + body["for_s"]) if "for_s" in body else None
        self.status["paused"] = {"reason": body.get("reason", ""), "by": "api", "since": rfc3339(time.time()), "until": until}
        return {"paused": self.status["paused"]}

    def _resume(self, _):
        was = self.status["paused"] is not None
        self.status["paused"] = None
        return {"paused": None, "was_paused": was}

    def _run(self, _):
        now = rfc3339(time.time())
        self.runs.insert(0, {"due": now, "started_at": now, "duration_s": 0, "attempt": 1, "outcome": "running", "detail": ""})
        return {"started": True}

    def _log_level(self, body):
        self.status["log_level"] = body["level"]
        return {"level": body["level"]}

    def _take(self, asked):
        if "all" in asked:
            if len(self.letters) > asked["all"]:
                raise Refusal(409, f"there are {len(self.letters)} dead letters now, not {asked['all']}", count=len(self.letters))
            ids = list(self.letters)
        else:
            ids = [name for name in asked["ids"] if name in self.letters]
        for name in ids:
            del self.letters[name]
        self.taken = None
        self._count_letters()
        return len(ids)

    def _edit(self, name, body):
        if name not in self.letters:
            raise Refusal(404, "there is no such dead letter")
        self.edited = body
        self._take({"ids": [name]})
        return {"id": f"{name}-edited"}
