# SPDX-License-Identifier: MIT
"""A service in Python for the scenarios here: each message says what is to be done with it."""

ORDERS = """
    import json, logging, os, signal, sys, time
    from rococo.messaging import BaseServiceProcessor, RabbitMqConnection
    from rococo_svchost import PermanentError, RetryAfter, SendError, context
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        def __init__(self):
            super().__init__()

        def process(self, message):
            note("begin", message["id"], context.attempt)
            getattr(self, message.get("do", "nothing"))(message)
            note("done", message["id"], context.attempt)
            return False

        def nothing(self, message): pass
        def fail(self, message): raise ValueError("no good")
        def give_up(self, message): raise PermanentError("an order without a customer")
        def later(self, message):
            if context.attempt == 1: raise RetryAfter(message["s"], "the warehouse is closed")
        def sleep(self, message): time.sleep(message["s"])
        def crash(self, message): os.kill(os.getpid(), signal.SIGSEGV)
        def leave(self, message): os._exit(3)
        def hang(self, message):
            while True:
                try: time.sleep(1000)
                except Exception: pass
        def until(self, message):
            while not os.path.exists(message["file"]): time.sleep(0.005)
        def show(self, message):
            one = context.message
            logging.info("SHOWN %s", json.dumps({
                "headers": context.headers, "id": context.message_id, "queue": context.queue, "correlation_id": context.correlation_id,
                "content_type": one.content_type, "reply_to": one.reply_to, "type": one.type, "app_id": one.app_id,
                "priority": one.priority, "content_encoding": one.content_encoding, "sent_at": str(context.sent_at),
                "redelivered": one.redelivered,
            }))
        def send(self, message):
            context.send_message(message["to"], {"order": message["id"]}, {"tenant": "blue"}, correlation_id="c-1", message_id="m-1")
        def send_or_say(self, message):
            try: self.send(message)
            except SendError as error: logging.info("NOT SENT: %s", error)
        def connect(self, message):
            with RabbitMqConnection(message["host"], message["port"], message.get("user", "guest"), "guest", message.get("vhost", "/")) as c:
                c.send_message(message["to"], {"by": "connection"})
            logging.info("SENT BY %s", sys.modules[RabbitMqConnection.__module__].__file__)
"""
