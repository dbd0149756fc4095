# SPDX-License-Identifier: MIT
import pathlib
import sys
import unittest

from rococo_svchost.testing import Host

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from python_service_example.processor import PythonLoggingServiceProcessor  # noqa: E402


class PythonLoggingServiceProcessorTest(unittest.TestCase):
    def test_logs_the_message_and_acknowledges(self):
        with Host(PythonLoggingServiceProcessor) as host:
            result = host.process({"message": "Hello"})
        self.assertEqual(result.outcome, "ack")
        self.assertEqual([line.text for line in result.logs], ["Received message: {'message': 'Hello'}"])

    def test_what_is_no_json_is_a_dead_letter(self):
        with Host(PythonLoggingServiceProcessor) as host:
            result = host.process(b"\xff not JSON")
        self.assertEqual(result.outcome, "dead_letter")
