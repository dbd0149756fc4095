# SPDX-License-Identifier: MIT
"""What mock hosts are filled with: a shop's messages, settings and log, and the scenes that the page has to tell."""

import base64
import json


def letter(number, error, reason="permanent", body=None, minutes_ago=5, **fields):
    """A dead letter as a scene describes it; `number` makes its id and its message's."""
    text = json.dumps({"order": number, "customer": 4700 + number, "total": 19.90}) if body is None else body
    return {
        "id": f"letter-{number}",
        "message": f"order-{number}",
        "original_queue": "orders",
        "reason": reason,
        "error": error,
        "attempts": 1 if reason == "permanent" else 5,
        "minutes_ago": minutes_ago,
        "content_type": "application/json",
        "body": text,
        "headers": [["x-shop", "web"], ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]],
        "properties": [["message_id", f"order-{number}"], ["app_id", "shop"]],
        **fields,
    }


def letters():
    """Four letters of two kinds, and one that is no text."""
    binary = base64.b64encode(bytes(range(48))).decode()
    return [
        letter(101, "no such customer 4801"),
        letter(102, "no such customer 4802", minutes_ago=14),
        letter(103, "no such customer 4803", minutes_ago=32),
        letter(104, "payment service: HTTP 503", reason="max_attempts", minutes_ago=180, body="plain text, no JSON"),
        letter(105, "cannot parse the image", minutes_ago=2000, body=None, content_type="image/png", binary=binary),
    ]


HOSTILE = "<script>window.attacked = 1</script><img src=x onerror=\"window.attacked = 1\">"


def hostile_letter():
    """Markup wherever a producer of messages can put it."""
    return letter(
        666,
        f"bad input {HOSTILE}",
        body=json.dumps({"note": HOSTILE}),
        message=f"order-666{HOSTILE}",
        original_queue=f"orders{HOSTILE}",
        content_type=HOSTILE,
        headers=[[HOSTILE, HOSTILE]],
        properties=[[HOSTILE, HOSTILE]],
    )


def setting(name, value, origin, default, text, secret=False):
    return {"name": name, "value": value, "origin": origin, "default": default, "help": text, "secret": secret}


def settings():
    return [
        setting("PROCESSOR_TYPE", "OrderServiceProcessor", ".env", "", "The processor's class."),
        setting("NUM_THREADS", "4", "environment", "1", "How many workers process messages at the same time."),
        setting("PROCESS_TIMEOUT", "30s", ".env", "0", "How long one call of `process` may take; 0: for ever."),
        setting("RABBITMQ_PASSWORD", "***", ".env.secrets", "guest", "The password for RabbitMQ.", secret=True),
        setting("RABBITMQ_HOST", "localhost", "default", "localhost", "Where RabbitMQ is."),
        setting("LOG_LEVEL", "INFO", "default", "INFO", "The least urgent lines that are logged."),
        setting("CONSUME_CONFIG_FILE_PATH", "", "default", "", "A file that is read again and again while the host runs."),
    ]


LINES = [
    ("INFO", "host", "OrderServiceProcessor 1.2.0 is starting, with 4 workers"),
    ("INFO", "rabbitmq", "Connected to amqp://guest@localhost:5672/, queue orders, prefetch 64"),
    ("INFO", "order_service", "Order order-88 accepted"),
    ("WARNING", "runtime", "order-97: attempt 1 failed, again in 5 s: payment service: HTTP 503"),
    ("ERROR", "runtime", "order-101 is a dead letter: no such customer 4801"),
    ("DEBUG", "runtime", "Prefetch is 64 now"),
]

FAILURES = [
    ("dead_letter", "permanent", "no such customer 4801", 1),
    ("retry", "error", "payment service: HTTP 503", 2),
    ("dead_letter", "permanent", "no such customer 4802", 1),
    ("dead_letter", "permanent", "no such customer 4803", 1),
    ("retry", "error", "payment service: HTTP 503", 1),
    ("dead_letter", "max_attempts", "payment service: HTTP 503", 5),
]

# What a scene changes in the status of a calm host. `-SECONDS` for a time: that long ago.
SCENES = {
    "calm": {},
    "letters": {},
    "outage": {
        "ready": False,
        "remarks": ["not connected to RabbitMQ"],
        "queue": {"connection": {"state": "lost", "reason": "connection refused", "since": -720, "reconnects": 2}},
        "rates": {"acknowledged": 0, "failed": 0},
    },
    "blocked": {"queue": {"connection": {"state": "blocked", "reason": "memory alarm", "since": -60}}},
    "paused": {"paused": {"reason": "the database is moved", "by": "api", "since": -300, "until": None}},
    "stuck": {"live": False, "ready": False, "remarks": ["the dispatcher has not turned for 45 s"]},
    "draining": {"phase": "draining", "ready": False},
}
