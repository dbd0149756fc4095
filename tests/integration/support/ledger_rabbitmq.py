# SPDX-License-Identifier: MIT
"""RabbitMQ under the ledger: a node of its own, a TCP proxy between it and the host."""

import functools
import time

import pika
import pika.exceptions

from .ledger import QueueUnderTest
from .ledger_rabbitmq_faults import HARD_FAULTS
from .rabbitmq_node import RabbitMqCluster, RabbitMqNode
from .tcp_proxy import TcpProxy

HEARTBEAT_S = 2


class RabbitMqUnderTest(QueueUnderTest):
    """One node; the host reaches it through the proxy, the harness directly."""

    frozen_s = 3 * HEARTBEAT_S + 1

    def __init__(self, queue_type="classic", threads=4):
        self.sub_runs = 0
        self.node = RabbitMqNode().start()
        self.proxy = TcpProxy(self.node.port)
        self._queue_type = queue_type
        self._threads = threads
        self._sender = None

    def settings(self):
        return {
            "MESSAGING_TYPE": "RabbitMqConnection",
            "RABBITMQ_HOST": "127.0.0.1",
            "RABBITMQ_PORT": str(self.proxy.port),
            "RABBITMQ_HEARTBEAT": f"{HEARTBEAT_S}s",
            "RABBITMQ_CONNECT_TIMEOUT": "3s",
            "RABBITMQ_CONNECT_ATTEMPTS": "20",
            "RABBITMQ_NUM_THREADS": str(self._threads),
            "RABBITMQ_QUEUE_TYPE": self._queue_type,
        }

    def connect(self):
        parameters = pika.URLParameters(self.node.url)
        parameters.heartbeat = 0
        parameters.socket_timeout = 5
        return pika.BlockingConnection(parameters)

    def make(self):
        self._with_channel(lambda channel: channel.queue_declare(self.queue, durable=True))

    def send(self, messages):
        return [id for id, body in messages if self._send(id, body)]

    def _send(self, id, body):
        if self._sender is None:
            self._connection = self.connect()
            self._sender = self._connection.channel()
            self._sender.confirm_delivery()
        try:
            properties = pika.BasicProperties(
                message_id=id, delivery_mode=2, content_type="application/json", headers={"n": 1}
            )
            self._sender.basic_publish("", self.queue, body, properties, mandatory=True)
            return True
        except pika.exceptions.UnroutableError:
            # The queue does not exist just now, so nobody has the message.
            return False
        except Exception:
            self._sender = None
            raise

    def _with_channel(self, use, timeout=180):
        # A node that has just started may not know its queues yet.
        deadline = time.monotonic() + timeout
        while True:
            try:
                connection = self.connect()
                try:
                    return use(connection.channel())
                finally:
                    connection.close()
            except (pika.exceptions.AMQPError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def dead_letter_bodies(self):
        def read(channel):
            bodies = []
            try:
                while True:
                    method, _, body = channel.basic_get(f"{self.queue}.dead-letter")
                    if method is None:
                        return bodies
                    bodies.append(body)
            except pika.exceptions.ChannelClosedByBroker as error:
                if error.reply_code == 404:
                    return bodies
                raise

        return self._with_channel(read)

    def waiting(self):
        total = 0
        for line in self.node.ctl("list_queues", "name", "messages").splitlines():
            name, _, messages = line.partition("\t")
            if name == self.queue or name.startswith((f"{self.queue}.retry.", f"{self.queue}.delay.")):
                total += int(messages)
        return total

    def backlog(self):
        """Where messages are that nobody has processed, by RabbitMQ's own counts. One that expired in a quorum queue and
        waits there to be dead-lettered is neither ready nor unacknowledged."""
        columns = ("name", "messages", "messages_ready", "messages_unacknowledged", "leader", "online")
        lines = (line.split("\t") for line in self.node.ctl("list_queues", *columns).splitlines())
        return "".join("\n  " + ", ".join(map(" ".join, zip(columns, line))) for line in lines if line[1] != "0")

    def faults(self):
        return {
            "broker stopped and started": self._restart,
            "broker killed": self._kill,
            "connection reset in the middle of a frame": self._cut,
            "connection stalls": self._stall,
            "black hole": self._black_hole,
            "queue deleted": self._delete,
            "memory alarm": self._alarm,
        }

    def _restart(self, run):
        self.node.stop()
        time.sleep(run.random.uniform(0, 1))
        self.node.start()

    def _kill(self, run):
        self.node.kill()
        self.node.start()

    def _cut(self, run):
        for _ in range(3):
            self.proxy.cut_after(run.random.randrange(1, 20_000))
            time.sleep(1)

    def _stall(self, run):
        self.proxy.stall()
        time.sleep(run.random.uniform(0.2, HEARTBEAT_S))
        self.proxy.flow()

    def _black_hole(self, run):
        self.proxy.stall()
        time.sleep(3 * HEARTBEAT_S + 1)
        # What went into the hole stays there.
        self.proxy.reset()
        self.proxy.flow()

    def _delete(self, run):
        with run.sending_paused():
            run.write_off_what_waits()
            self._with_channel(lambda channel: channel.queue_delete(self.queue))
            self._with_channel(lambda channel: _wait_for_queue(channel, self.queue))
            # RabbitMQ forgets a durable queue, with all that it has confirmed for it, if it is killed before the
            # queue's declaration is on disk.
            self.node.eval("mnesia:sync_log().")

    def _alarm(self, run):
        self.node.ctl("set_vm_memory_high_watermark", "0.00000001")
        time.sleep(2 * HEARTBEAT_S)
        self.node.ctl("set_vm_memory_high_watermark", "0.6")

    def soak_faults(self):
        return {name: functools.partial(fault, self) for name, fault in HARD_FAULTS.items()}

    def with_channel(self, use):
        """What `use` makes of a channel of pika, on a connection of its own."""
        return self._with_channel(use)

    def reconnect_everyone(self):
        """Closes every connection through the proxy: settings of the node count for new channels."""
        self.proxy.reset()

    def close(self):
        self.proxy.close()
        self.node.close()


class RabbitMqClusterUnderTest(RabbitMqUnderTest):
    """Three nodes and a quorum queue, whose leader is lost."""

    def __init__(self, threads=4):
        self.cluster = RabbitMqCluster().start()
        self.node = self.cluster.nodes[0]
        self._threads = threads
        self._sender = None

    def settings(self):
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.cluster.nodes)
        return {
            "MESSAGING_TYPE": "RabbitMqConnection",
            "RABBITMQ_HOST": hosts,
            "RABBITMQ_HEARTBEAT": f"{HEARTBEAT_S}s",
            "RABBITMQ_CONNECT_TIMEOUT": "3s",
            "RABBITMQ_CONNECT_ATTEMPTS": "20",
            "RABBITMQ_NUM_THREADS": str(self._threads),
            "RABBITMQ_QUEUE_TYPE": "quorum",
        }

    def faults(self):
        return {"leader lost": self._lose_leader}

    def soak_faults(self):
        return {}

    def _lose_leader(self, run):
        leader = self.cluster.leader_of(self.queue)
        leader.kill()
        self.node = next(node for node in self.cluster.nodes if node is not leader)
        time.sleep(run.random.uniform(5, 8))
        leader.start()

    def close(self):
        self.cluster.close()


def _wait_for_queue(channel, queue, timeout=120):
    """Until somebody has declared the queue; raises what pika raises until then."""
    channel.queue_declare(queue, passive=True)
