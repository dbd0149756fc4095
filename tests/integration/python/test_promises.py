# SPDX-License-Identifier: MIT
"""What docs/PYTHON.md says that a processor may do, and what looking must not do, with a real host."""

import json
import stat

ORDERS = """
    import os
    from rococo.messaging import BaseServiceProcessor
    from rococo_svchost import PermanentError, RetryAfter, context
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        async def process(self, message):
            note("begin", f"{message['id']}-{context.attempt}")
            if message.get("bad"): raise PermanentError("an order without a customer")
            if message.get("later") and context.attempt == 1: raise RetryAfter(0.01)
            context.send_message("invoices", {"order": message["id"]}, headers={"tenant": context.headers.get("tenant", "none")})
            note("done", message["id"])
"""


def run_to_the_end(service, **more):
    ended = service.run(EXIT_WHEN_FINISHED=1, **more)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_it_judges_its_messages_and_sends_others(make_service):
    service = make_service(ORDERS, MAX_ATTEMPTS=3)
    for arguments in (['{"id": 1}', "--header", "tenant=blue"], ['{"id": 2, "bad": true}'], ['{"id": 3, "later": true}'], ["not JSON", "--content-type", "text/plain"]):
        sent = service.run("send", "orders", *arguments)
        assert sent.returncode == 0, sent.stderr
    log = run_to_the_end(service)
    assert sorted(service.ids("begin")) == ["1-1", "2-1", "3-1", "3-2"]
    assert sorted(service.ids()) == ["1", "3"]
    assert "an order without a customer" in log and "1 retried, 2 dead-lettered" in log
    received = make_service("""
        from rococo.messaging import BaseServiceProcessor
        from rococo_svchost import context
        from ledger import note
        class InvoiceServiceProcessor(BaseServiceProcessor):
            def process(self, message): note("done", f"{message['order']}-{context.headers['tenant']}")
    """, InvoiceServiceProcessor_QUEUE_NAME="invoices")
    run_to_the_end(received)
    assert sorted(received.ids()[2:]) == ["1-blue", "3-none"]


def test_a_batch_is_one_call_and_its_failures_are_its_messages(make_service):
    service = make_service("""
        from rococo.messaging import BaseServiceProcessor
        from rococo_svchost import PermanentError, context
        from ledger import note
        class OrderServiceProcessor(BaseServiceProcessor):
            def process_batch(self, messages):
                note("begin", len(messages))
                for message, one in zip(messages, context.batch):
                    if message["id"] == 3: one.fail(PermanentError("not this one"))
                    else: note("done", message["id"])
    """, BATCH_SIZE=4)
    service.send("orders", *(json.dumps({"id": n}) for n in range(10)))
    log = run_to_the_end(service)
    assert sorted(map(int, service.ids())) == [n for n in range(10) if n != 3]
    assert sum(map(int, service.ids("begin"))) == 10 and max(map(int, service.ids("begin"))) > 1
    assert "1 dead-lettered" in log and "not this one" in log


def test_looking_makes_nothing(make_service):
    service = make_service(ORDERS)
    before = sorted(path.name for path in service.path.iterdir())
    looked = service.run("check")
    assert looked.returncode == 0, looked.stderr
    assert sorted(path.name for path in service.path.iterdir() if path.name != "__pycache__") == before


def test_the_folder_of_its_state_is_its_owners_alone(make_service):
    service = make_service(ORDERS)
    sent = service.run("send", '{"id": 1}')
    assert sent.returncode == 0, sent.stderr
    assert stat.S_IMODE((service.path / ".svchost").stat().st_mode) == 0o700

