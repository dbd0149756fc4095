# SPDX-License-Identifier: MIT
"""Messages of an independent client are handled, and what the host sends is read by it."""

import hashlib
import json

from support.host import wait_until


def attributes_md5(attributes):
    """The digest that SQS documents, for attributes of type String."""
    digest = hashlib.md5()
    for name, value in sorted(attributes.items()):
        for text in (name, value["DataType"], None, value["StringValue"]):
            digest.update(b"\1" if text is None else len(text.encode()).to_bytes(4, "big") + text.encode())
    return digest.hexdigest()


def test_messages_of_another_client_are_handled(make_queue, sqs_service):
    queue = make_queue("in")
    attributes = {
        "color": {"DataType": "String", "StringValue": "röt"},
        "count": {"DataType": "Number", "StringValue": "42"},
    }
    bodies = [json.dumps({"id": str(n)}) for n in range(200)]
    queue.send(*bodies, attributes=attributes)
    service = sqs_service(queue.name)
    with service.start() as host:
        wait_until(lambda: len(service.ids()) == 200)
        wait_until(lambda: queue.count() == 0)
        assert host.terminate() == 0
    assert sorted(service.ids(), key=int) == [str(n) for n in range(200)]


def test_what_a_processor_sends_is_read_by_another_client(make_queue, sqs_service):
    queue, out = make_queue("in"), make_queue("out")
    body = json.dumps({"id": "1", "do": f"send:{out.name}"})
    queue.send(body)
    service = sqs_service(queue.name)
    with service.start():
        messages = out.receive(wait=10)
    assert [m["Body"] for m in messages] == [body]
    assert messages[0]["MD5OfBody"] == hashlib.md5(body.encode()).hexdigest()
    attributes = messages[0]["MessageAttributes"]
    assert attributes["content-type"] == {"DataType": "String", "StringValue": "application/json"}
    assert messages[0]["MD5OfMessageAttributes"] == attributes_md5(attributes)


def test_send_check_and_dead_letters_of_the_command_line(make_queue, sqs_service):
    queue = make_queue("in")
    service = sqs_service(queue.name)
    checked = service.run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    service.send(queue.name, json.dumps({"id": "good"}), json.dumps({"id": "bad", "do": "permanent"}))
    with service.start():
        wait_until(lambda: "good" in service.ids())
        wait_until(lambda: queue.count() == 0)
    listed = service.run("dead-letters", "list", "--queue", queue.name, "--json")
    assert listed.returncode == 0, listed.stderr
    letters = json.loads(listed.stdout)
    assert [json.loads(letter["body"])["id"] for letter in letters] == ["bad"]
    assert "permanently, as asked" in listed.stdout


def test_a_failing_message_is_tried_again_and_then_becomes_a_dead_letter(make_queue, sqs_service):
    queue = make_queue("in")
    dead = make_queue("in-dead-letter")
    queue.send(json.dumps({"id": "bad", "do": "throw"}), json.dumps({"id": "late", "do": "retry-after:1000"}))
    service = sqs_service(queue.name, MAX_ATTEMPTS=3, RETRY_DELAY="1s")
    with service.start():
        wait_until(lambda: queue.count() == 0)
    assert [attempt for id, attempt, *_ in service.ledger("begin") if id == "bad"] == [1, 2, 3]
    assert [attempt for id, attempt, *_ in service.ledger("begin") if id == "late"] == [1, 2]
    letter = dead.receive()[0]
    note = json.loads(letter["MessageAttributes"]["x-rococo-dead-letter"]["StringValue"])
    assert note["attempts"] == 3 and note["queue"] == queue.name and "as the message asked" in note["error"]


def test_the_redrive_target_of_the_queue_takes_the_dead_letters(make_queue, sqs_service):
    target = make_queue("target")
    arn = target.client.get_queue_attributes(QueueUrl=target.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 100})
    queue = make_queue("in", RedrivePolicy=policy)
    queue.send(json.dumps({"id": "bad", "do": "permanent"}))
    service = sqs_service(queue.name)
    with service.start():
        wait_until(lambda: queue.count() == 0)
    assert len(target.receive()) == 1
