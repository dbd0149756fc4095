import unittest

from rococo_svchost.testing import Host

from @name@.processor import @Name@ServiceProcessor


class @Name@ServiceProcessorTest(unittest.TestCase):
    def test_acknowledges_a_message(self):
        result = Host(@Name@ServiceProcessor).process({"message": "Hello"})
        self.assertEqual(result.outcome, "ack")

    def test_makes_a_dead_letter_of_what_is_not_json(self):
        result = Host(@Name@ServiceProcessor).process(b"no JSON")
        self.assertEqual(result.outcome, "dead_letter")
