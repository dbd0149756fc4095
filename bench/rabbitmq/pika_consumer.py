#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the original does: `pika`, each message acknowledged. `pika_consumer.py PORT QUEUE PREFETCH`."""

import json
import os
import sys
import time

import pika

total = int(os.environ["BENCH_COUNT"])
latencies = [] if "BENCH_LATENCY" in os.environ else None
count = 0
first = None


def handle(channel, method, _properties, body):
    global count, first
    if count == 0:
        first = time.monotonic_ns(), time.process_time_ns()
    count += 1
    if latencies is not None:
        latencies.append(time.monotonic_ns() - int.from_bytes(body[:8], "little"))
    channel.basic_ack(method.delivery_tag)
    if count == total:
        report()


def report():
    result = {
        "first_ns": first[0],
        "end_ns": time.monotonic_ns(),
        "cpu_ns": time.process_time_ns() - first[1],
    }
    if latencies is not None:
        latencies.sort()
        result |= {"p50_ns": latencies[total // 2], "p99_ns": latencies[total * 99 // 100]}
    path = os.environ["BENCH_RESULT"]
    with open(path + ".part", "w") as file:
        json.dump(result, file)
    os.rename(path + ".part", path)


connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(sys.argv[1]), heartbeat=0))
channel = connection.channel()
channel.basic_qos(prefetch_count=int(sys.argv[3]))
channel.basic_consume(sys.argv[2], handle)
channel.start_consuming()
