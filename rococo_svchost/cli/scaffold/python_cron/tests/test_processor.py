import unittest

from rococo_svchost.testing import Host

from @name@.processor import @Name@ServiceProcessor


class @Name@ServiceProcessorTest(unittest.TestCase):
    def test_a_run_ends_well(self):
        self.assertEqual(Host(@Name@ServiceProcessor).run().outcome, "ack")
