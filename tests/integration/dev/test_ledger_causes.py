# SPDX-License-Identifier: MIT
"""The ledger's own judgement: what explains a duplicate, and what explains the end of a host."""

import types

from support.host import ServiceFolder
from support.ledger_causes import Causes, KILLED, Fate, why_it_ended


def host(pid=1, fate=None):
    return types.SimpleNamespace(pid=pid, fate=fate)


def test_a_duplicate_is_explained_by_what_happened_to_the_host_that_did_it_first():
    causes = Causes()
    causes.add("killed", 10, 11, pid=1)
    assert causes.explain([("a", 1, 9), ("a", 2, 12)]) == ({"killed": 1}, set())
    assert causes.explain([("a", 2, 9), ("a", 1, 12)]) == ({"none": 1}, {"a"})


def test_a_duplicate_is_explained_by_what_happened_to_the_queue_between_its_runs_only():
    causes = Causes()
    causes.add("broker killed", 10, 11)
    assert causes.explain([("a", 1, 9), ("a", 2, 30)])[1] == set()
    assert causes.explain([("a", 1, 1), ("a", 2, 9)])[1] == {"a"}
    assert causes.explain([("a", 1, 20), ("a", 2, 30)])[1] == {"a"}
    assert causes.explain([("a", 1, 9), ("b", 2, 30)]) == ({}, set())


def test_a_duplicate_is_explained_by_a_host_that_slept_while_another_did_its_work():
    causes = Causes()
    causes.add("frozen", 4, 10, pid=1)
    assert causes.explain([("a", 2, 9), ("a", 1, 10.5)])[1] == set()
    assert causes.explain([("a", 2, 9), ("a", 1, 9.99)])[1] == set()
    assert causes.explain([("a", 2, 9), ("a", 1, 30)])[1] == {"a"}
    assert causes.explain([("a", 2, 9), ("a", 3, 10.5)])[1] == {"a"}


def test_the_end_of_a_host_is_expected_where_it_was_asked_for():
    causes = Causes()
    causes.add("broker killed", 10, 11)
    assert why_it_ended(host(fate=KILLED), -9, 5, set(), {}, causes)[1]
    assert not why_it_ended(host(fate=Fate("2 SIGTERM", (0,))), 143, 5, set(), {}, causes)[1]
    assert why_it_ended(host(), -6, 5, {"m1"}, {"m1": "abort"}, causes)[1]
    # Its log's reader stood still, so an alarm ended the wait.
    assert why_it_ended(host(), -14, 5, {"m1"}, {"m1": "exit"}, causes)[1]
    assert not why_it_ended(host(), -6, 5, {"m1"}, {"m1": "sleep:20"}, causes)[1]
    assert why_it_ended(host(), 69, 12, set(), {}, causes)[1]
    assert not why_it_ended(host(), 69, 50, set(), {}, causes)[1]
    assert not why_it_ended(host(), -13, 12, set(), {}, causes)[1]


def test_a_line_that_a_killed_process_did_not_finish_hides_no_other(tmp_path):
    folder = ServiceFolder(tmp_path)
    folder.ledger_log.write_text(
        "done m2 1 8097 1begin m1 1 8105 1796081736577537\ndone m1done m1 1 8105 1796081736577556\ndone m3 1"
    )
    assert folder.ledger("begin") == [("m1", 1, 8105, 1796081736577537)]
    assert folder.ledger("done") == [("m1", 1, 8105, 1796081736577556)]
