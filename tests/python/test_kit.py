# SPDX-License-Identifier: MIT
"""The test kit, as the users' tests would use it: a file of tests for each interpreter, run by unittest."""

import subprocess

import pytest
from fake_host import FRONT, write_files

pytestmark = pytest.mark.all_pythons

ORDERS = """
    import logging, os
    from rococo.messaging import BaseServiceProcessor, RabbitMqConnection
    from rococo_svchost import PermanentError, RetryAfter, context

    class OrderProcessor(BaseServiceProcessor):
        def __init__(self):
            super().__init__()
            self.shop = os.environ.get("SHOP", "none")

        def process(self, message):
            logging.info("%s in %s", message["id"], self.shop)
            if message["id"] == 0:
                raise PermanentError("no order 0")
            if message["id"] == 1:
                raise RetryAfter(1.5)
            if message["id"] == 2:
                os.abort()
            if message["id"] == 3:
                while not context.cancelled():
                    pass
                import time
                time.sleep(1000)
            context.send_message(context.queue_name("invoices"), {"order": message["id"], "attempt": context.attempt}, context.headers)
            with RabbitMqConnection("any", 1, "", "") as connection:
                connection.send_message("second", {})

        def close(self):
            logging.info("closed")

    class Batches:
        def process_batch(self, messages):
            for metadata, message in zip(context.batch, messages):
                if not message:
                    metadata.fail(RetryAfter(3))
            logging.info(len(messages))

    class Reports:
        async def process(self):
            logging.info("%s", context.scheduled_at.year)
            assert context.attempt == 1
"""

TESTS = """
    import os, unittest, datetime
    from rococo_svchost.testing import Host
    from orders import Batches, OrderProcessor, Reports

    class Plain(unittest.TestCase):
        isolated = False

        def host(self, processor=OrderProcessor, **more):
            host = Host(processor, isolated=self.isolated, **more)
            self.addCleanup(host.close)
            return host

        def test_outcomes(self):
            host = self.host(env={"SHOP": "north"}, queue_prefix="dev_")
            result = host.process({"id": 7}, attempt=2, headers={"tenant": "a"})
            self.assertEqual((result.outcome, result.error, result.delay), ("ack", "", 0.0))
            self.assertEqual([s.queue for s in result.sent], ["dev_invoices", "second"])
            self.assertEqual(result.sent[0].json(), {"order": 7, "attempt": 2})
            self.assertEqual(result.sent[0].headers["tenant"], "a")
            self.assertEqual([tuple(line) for line in result.logs], [("INFO", "7 in north")])
            self.assertEqual(host.process({"id": 0})[:2], ("dead_letter", "no order 0"))
            self.assertEqual(host.process({"id": 1})[:3], ("retry_after", "again after 1.5 s", 1.5))
            self.assertEqual(host.process({})[:2], ("retry", "KeyError: 'id'"))
            self.assertIn("in process", host.process({}).traceback)
            self.assertEqual(host.process(b"no JSON").outcome, "dead_letter")

        def test_sending_that_fails(self):
            host = self.host()
            host.send_error = "the broker is away"
            self.assertEqual(host.process({"id": 9})[:2], ("retry", "SendError: the broker is away"))

        def test_schedules(self):
            host = self.host(Reports)
            due = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
            result = host.run(due)
            self.assertEqual((result.outcome, result.logs[0].text), ("ack", "2020"))
            self.assertEqual(host.run(attempt=2).outcome, "retry")

    class Isolated(Plain):
        isolated = True

        def test_crash(self):
            host = self.host()
            result = host.process({"id": 2})
            self.assertEqual(result[:2], ("crashed", "crashed: SIGABRT"))
            self.assertIn("in process", result.traceback)
            self.assertEqual(host.process({"id": 7}).outcome, "ack")

        def test_time_limit(self):
            host = self.host(time_limit=1.0)
            result = host.process({"id": 3})
            self.assertEqual(result[:2], ("timed_out", "timed out after 1 s"))
            self.assertIn("in process", result.traceback)

        def test_a_constructor_that_raises(self):
            with self.assertRaisesRegex(RuntimeError, "the constructor of Bad has failed"):
                import bad
                self.host(bad.Bad).process({})

    class Batch(unittest.TestCase):
        def test_results(self):
            with Host(Batches) as host:
                results = host.process_batch([1, b"no JSON", 0], [{"message_id": "x"}])
            self.assertEqual([(r.outcome, r.delay) for r in results], [("ack", 0.0), ("dead_letter", 0.0), ("retry_after", 3.0)])

        def test_environment_comes_back(self):
            with Host(OrderProcessor, env={"SHOP": "north"}):
                self.assertEqual(os.environ["SHOP"], "north")
            self.assertNotIn("SHOP", os.environ)
"""


def test_as_users_do(python, clean_env, tmp_path):
    bad = "class Bad:\n    def __init__(self):\n        raise ValueError\n    def process(self, message):\n        pass\n"
    write_files(tmp_path, {"orders.py": ORDERS, "bad.py": bad, "test_orders.py": TESTS})
    env = {**clean_env, "PYTHONPATH": str(FRONT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-W", "error", "-m", "unittest", "test_orders"],
        cwd=str(tmp_path), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    assert b"Ran 11 tests" in done.stdout, done.stdout.decode()
