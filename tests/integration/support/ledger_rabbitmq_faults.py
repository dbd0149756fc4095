# SPDX-License-Identifier: MIT
"""What operators and brokers do to a queue of RabbitMQ beyond breaking connections. Each is a function of the queue under
test and the run, with a name in HARD_FAULTS."""

import collections
import contextlib
import json
import time

from .host import ServiceFolder, wait_until

DEFAULT_MAX_MESSAGE_SIZE = 134_217_728
DEFAULT_CONSUMER_TIMEOUT = 1_800_000


def delete_and_make_again(under_test, run):
    """As operators change a queue's arguments, with jobs in hand, whose verdicts must not settle what is sent then: it is
    in hand when the hosts are killed, and has to come again."""
    with run.sending_paused():
        # Twice: what is in hand then, and what is sent then, are both the first messages of a queue, so have the same
        # numbers for the broker.
        _make_again(under_test, run)
        jobs = run.send_orders(["sleep:3000"] * 8)
        # They may never begin, or end, where a host has just died.
        with contextlib.suppress(AssertionError):
            wait_until(lambda: set(jobs) <= set(run.folder.ids("begin")), timeout=20)
        _make_again(under_test, run)
        run.send_orders(["sleep:3000"] * 16)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: set(jobs) <= set(run.folder.ids()), timeout=20)
        time.sleep(0.5)
        run.kill_every_host()


def _make_again(under_test, run):
    run.write_off_what_waits()

    def replace(channel):
        channel.queue_delete(under_test.queue)
        channel.queue_declare(under_test.queue, durable=True)

    under_test.with_channel(replace)
    under_test.node.eval("mnesia:sync_log().")


def refuse_large_copies(under_test, run):
    """The broker closes the channel at a retry that is larger than it takes; the others have to arrive all the same."""
    with run.sending_paused():
        for number in range(8):
            # Small ones and a large one fail together, so their copies are on their way together.
            id, padding = f"copy{len(run.books.orders)}", "x" * (40_000 if number % 4 == 3 else 0)
            run.books.orders[id] = "throw"
            body = json.dumps({"id": id, "do": "fail-after:3000", "padding": padding})
            run.books.confirmed |= set(under_test.send([(id, body)]))
    # What multiplies meanwhile is found among the dead letters.
    with _setting(under_test, "max_message_size", 20_000, DEFAULT_MAX_MESSAGE_SIZE):
        time.sleep(15)


def time_consumers_out(under_test, run):
    """The broker takes the channel from whoever holds a job too long."""
    with _setting(under_test, "consumer_timeout", 4_000, DEFAULT_CONSUMER_TIMEOUT, ("channel_tick_interval", 1_000, 60_000)):
        with run.sending_paused():
            run.send_orders(["sleep:9000"] * 2)
        time.sleep(14)


def alarm_for_a_minute(under_test, run):
    """No memory for publishers: they wait; what is in hand goes on."""
    under_test.node.ctl("set_vm_memory_high_watermark", "0")
    time.sleep(60)
    under_test.node.ctl("set_vm_memory_high_watermark", "0.6")


def auto_delete(under_test, run):
    """A queue that goes with its last consumer, while the prefetch is tuned: it must never be without one."""
    _sub_run(under_test, run, "auto-delete", {"auto_delete": True}, hosts=1)


def single_active(under_test, run):
    """A queue with a single active consumer and two hosts: the second has nothing to do while the first lives."""
    service = _sub_run(under_test, run, "single-active", {"arguments": {"x-single-active-consumer": True}}, hosts=2)
    by_host = collections.Counter(pid for _, _, pid, _ in service.ledger("begin"))
    if len(by_host) > 1:
        run.findings.append(f"single active consumer: both hosts had messages, {sorted(by_host.values())}")


HARD_FAULTS = {
    "queue deleted and made again": delete_and_make_again,
    "large copies refused": refuse_large_copies,
    "consumer timeout": time_consumers_out,
    "memory alarm of a minute": alarm_for_a_minute,
    "auto-delete queue": auto_delete,
    "single active consumer": single_active,
}


@contextlib.contextmanager
def _setting(under_test, name, value, default, *more):
    """Settings of the node for a while, for the channels of everybody."""
    settings = [(name, value, default), *more]

    def apply(which):
        for setting in settings:
            under_test.node.eval(f"application:set_env(rabbit, {setting[0]}, {setting[which]}).")
        under_test.reconnect_everyone()

    apply(1)
    try:
        yield
    finally:
        apply(2)


def _sub_run(under_test, run, name, declaration, hosts):
    """A queue of its own, declared so, and hosts that wait: 600 messages, quick ones and then slow ones, so that the
    prefetch changes."""
    under_test.sub_runs += 1
    queue = f"{name}-{under_test.sub_runs}"
    service = ServiceFolder(run.folder.path / queue)
    service.settings.update(run.folder.settings)
    service.settings.update({
        "LEDGER_LOG": str(service.ledger_log), "LedgerServiceProcessor_QUEUE_NAME": queue, "PREFETCH": "auto",
        "RABBITMQ_NUM_THREADS": "1",
    })
    ids = [f"{name}{number}" for number in range(600)]

    def send(channel):
        channel.confirm_delivery()
        for number, id in enumerate(ids):
            order = "" if number < 300 else "sleep:20"
            channel.basic_publish("", queue, json.dumps({"id": id, "do": order}), mandatory=True)

    # An auto-delete queue that nobody has consumed yet stays.
    under_test.with_channel(lambda channel: channel.queue_declare(queue, durable=True, **declaration))
    with contextlib.ExitStack() as running:
        for _ in range(hosts):
            running.enter_context(service.start()).wait_for("Consuming")
        under_test.with_channel(send)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: len(set(service.ids())) == len(ids), timeout=240)
    if lost := set(ids) - set(service.ids()):
        run.findings.append(f"{name} queue: {len(lost)} of {len(ids)} never processed")
    return service
