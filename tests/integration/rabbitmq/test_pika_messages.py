# SPDX-License-Identifier: MIT
"""Messages that an independent client publishes, handled by a real host."""

import json
import subprocess
import sys

import pika
from support.host import wait_until


def publish(channel, queue, *messages, **properties):
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        channel.basic_publish(
            "", queue, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True
        )


def take_all(channel, queue):
    """The bodies of all messages that are ready."""
    bodies = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        bodies.append(got[2])
    return bodies


def test_messages_of_pika_are_handled(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service()
    # The queue exists already, declared as the original declares it.
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, *({"id": str(i)} for i in range(200)))
    with service.start() as host:
        wait_until(lambda: len(service.ids()) == 200, what=host.log)
        assert host.terminate() == 0
    assert service.ids() == [str(i) for i in range(200)], "one worker keeps the order"
    assert channel.queue_declare(queue, passive=True).method.message_count == 0


def test_four_threads_run_four_at_a_time(make_rabbitmq_service, channel, request, tmp_path):
    queue, go_on = request.node.name, tmp_path / "go-on"
    service = make_rabbitmq_service(RABBITMQ_NUM_THREADS=4)
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, *({"id": str(i), "do": f"until:{go_on}"} for i in range(8)))
    with service.start() as host:
        wait_until(lambda: len(service.ids("begin")) == 4, what=host.log)
        go_on.touch()
        wait_until(lambda: len(service.ids()) == 8, what=host.log)
    running, most = 0, 0
    events = [(at, 1) for *_, at in service.ledger("begin")] + [(at, -1) for *_, at in service.ledger()]
    for _, change in sorted(events):
        running += change
        most = max(most, running)
    assert most == 4


def test_the_host_declares_the_queue(make_rabbitmq_service, channel, request):
    queue = f"X_{request.node.name}"
    service = make_rabbitmq_service(QUEUE_NAME_PREFIX="X_")
    with service.start() as host:
        host.wait_for("Consuming")
        publish(channel, queue, {"id": "1"})
        wait_until(lambda: service.ids() == ["1"], what=host.log)


def test_a_slow_message_survives_short_heartbeats(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service(RABBITMQ_HEARTBEAT="2s")
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, {"id": "slow", "do": "sleep:9000"})
    with service.start() as host:
        wait_until(lambda: service.ids() == ["slow"], what=host.log)
        assert host.terminate() == 0
        assert "Lost the connection" not in host.log()
    assert service.ids("begin") == ["slow"]
    assert channel.queue_declare(queue, passive=True).method.message_count == 0


def test_bodies_that_are_no_json_end_as_dead_letters(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service(DRAIN_TIMEOUT="60s")  # 64 MiB may be on their way to the dead letters
    channel.queue_declare(queue, durable=True)
    # As the host does when it first needs it, which may be after the log line that is waited for.
    channel.queue_declare(f"{queue}.dead-letter", durable=True)
    bodies = [b"", b"\xff\xfe\x00", b"{", b"[]", b"x" * (64 * 1024 * 1024)]
    publish(channel, queue, *bodies)
    publish(channel, queue, {"id": "good"})
    with service.start() as host:
        wait_until(lambda: service.ids() == ["good"], what=host.log)
        dead = []

        def collect():
            method, _, body = channel.basic_get(f"{queue}.dead-letter", auto_ack=True)
            if method is not None:
                dead.append(body)
            return len(dead) == len(bodies)

        host.wait_for("goes to the dead letters")
        wait_until(collect, what=host.log)
        assert sorted(dead) == sorted(bodies)
        assert host.terminate() == 0


def dead_letter_of(make_rabbitmq_service, channel, queue, headers):
    """Sends a message that fails with these headers, and one behind it; gives the dead letter's properties."""
    service = make_rabbitmq_service(MAX_ATTEMPTS=2, RETRY_DELAY="100ms")
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, {"id": "failing", "do": "throw"}, headers=headers)
    publish(channel, queue, {"id": "behind"})
    with service.start() as host:
        wait_until(lambda: service.ids() == ["behind"], what=host.log)
        host.wait_for("goes to the dead letters")
        assert host.terminate() == 0
    _, properties, body = channel.basic_get(f"{queue}.dead-letter", auto_ack=True)
    assert json.loads(body)["id"] == "failing"
    return properties


def test_headers_as_deep_as_a_frame_holds(make_rabbitmq_service, channel, request):
    nested = {}
    for _ in range(20_000):  # With six bytes each, close to the 128 KiB of a frame.
        nested = {"": nested}
    usual_depth = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # pika's way of writing and reading them
    try:
        properties = dead_letter_of(make_rabbitmq_service, channel, request.node.name, nested)
    finally:
        sys.setrecursionlimit(usual_depth)
    assert list(properties.headers[""]) == [""]


def test_headers_that_leave_no_room_for_ours(make_rabbitmq_service, channel, request):
    dead_letter_of(make_rabbitmq_service, channel, request.node.name, {"big": "x" * 130_990})


def test_a_message_that_kills_the_host_ends_as_a_dead_letter(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service(MAX_ATTEMPTS=3)
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, {"id": "killer", "do": "abort"}, {"id": "innocent"}, message_id="x")
    for _ in range(10):
        with service.start() as host:
            wait_until(lambda: host.process.poll() is not None or "innocent" in service.ids(), what=host.log)
            if host.process.poll() is not None:
                continue
            assert host.terminate() == 0
            break
    assert service.ids() == ["innocent"]
    assert len(service.ids("begin")) <= 5
    method, properties, body = channel.basic_get(f"{queue}.dead-letter", auto_ack=True)
    assert json.loads(body)["id"] == "killer"
    assert properties.headers["x-rococo-reason"] == "crash"
    assert properties.message_id == "x"


def test_retries_then_dead_letters_then_requeues(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service(MAX_ATTEMPTS=3, RETRY_DELAY="100ms")
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, {"id": "bad", "do": "throw"}, headers={"trace": "abc", "x-rococo-attempts": "forged"})
    with service.start() as host:
        host.wait_for("goes to the dead letters")
        assert host.terminate() == 0
    assert [entry[1] for entry in service.ledger("begin")] == [1, 2, 3]
    listed = service.run("dead-letters", "list")
    assert listed.returncode == 0, listed.stderr
    assert "max-attempts" in listed.stdout
    again = service.run("dead-letters", "requeue", "--all")
    assert again.returncode == 0, again.stderr
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    assert json.loads(body)["id"] == "bad"
    assert properties.headers["trace"] == "abc"


def test_a_requeue_that_is_killed_loses_none_and_doubles_few(make_rabbitmq_service, channel, request):
    queue, dead_letters = request.node.name, f"{request.node.name}.dead-letter"
    service = make_rabbitmq_service()
    channel.queue_declare(queue, durable=True)
    channel.queue_declare(dead_letters, durable=True)
    ids = {str(number) for number in range(3_000)}
    publish(channel, dead_letters, *({"id": id} for id in sorted(ids)))

    def ready(name):
        return channel.queue_declare(name, passive=True).method.message_count

    with service.start(arguments=["dead-letters", "requeue", "--all"]) as command:
        wait_until(lambda: ready(queue) >= 2_000)
        command.kill()
    # What the command held comes back.
    wait_until(lambda: ready(queue) + ready(dead_letters) >= len(ids))
    found = [json.loads(body)["id"] for name in (queue, dead_letters) for body in take_all(channel, name)]
    assert set(found) == ids
    # 500 may be on their way, and the acknowledgements of as many.
    assert len(found) - len(ids) <= 1_000


def test_exits_when_finished(make_rabbitmq_service, channel, request, tmp_path):
    queue = request.node.name
    consume_config = tmp_path / "consume.env"
    consume_config.write_text("EXIT_WHEN_FINISHED=1\n")
    service = make_rabbitmq_service(CONSUME_CONFIG_FILE_PATH=consume_config, RABBITMQ_NUM_THREADS=2)
    channel.queue_declare(queue, durable=True)
    publish(channel, queue, *({"id": str(i)} for i in range(50)), {"id": "late", "do": "retry-after:1000"})
    with service.start() as host:
        assert host.wait() == 0, host.log()
    assert len(service.ids()) == 51
    assert channel.queue_declare(queue, passive=True).method.message_count == 0


def test_sends_by_command_line(make_rabbitmq_service, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service()
    service.send(queue, '{"id": "1"}', '{"id": "2"}')
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    assert json.loads(body) == {"id": "1"}
    assert properties.delivery_mode == 2
    assert properties.content_type == "application/json"
    checked = service.run("check")
    assert checked.returncode == 0, checked.stderr


def test_says_what_is_wrong_and_exits(make_rabbitmq_service):
    for settings, variable, codes in [
        ({"RABBITMQ_PASSWORD": "wrong"}, "RABBITMQ_PASSWORD", {78}),
        ({"RABBITMQ_VIRTUAL_HOST": "nowhere"}, "RABBITMQ_VIRTUAL_HOST", {78}),
        ({"RABBITMQ_PORT": "1", "RABBITMQ_CONNECT_ATTEMPTS": "2"}, "RABBITMQ_PORT", {69}),
        ({"RABBITMQ_URL": "http://localhost"}, "RABBITMQ_URL", {78}),
    ]:
        service = make_rabbitmq_service(variable, **settings)
        with service.start() as host:
            assert host.wait() in codes, host.log()
            assert variable in host.log()
            assert "wrong" not in host.log()


def test_tls_verifies_the_peer(make_rabbitmq_service, tmp_path):
    """Own authority, a client certificate, a foreign authority, a wrong name, an expired one."""
    make_certificates(tmp_path)
    from support.ports import free_port
    from support.rabbitmq_node import RabbitMqNode

    for name, expected in [("good", None), ("wrong-name", "RABBITMQ_HOST"), ("expired", "not valid now")]:
        port = free_port()
        with RabbitMqNode(
            settings=[
                f"listeners.ssl.1 = 127.0.0.1:{port}",
                f"ssl_options.cacertfile = {tmp_path}/ca.pem",
                f"ssl_options.certfile = {tmp_path}/{name}.pem",
                f"ssl_options.keyfile = {tmp_path}/{name}.key",
                "ssl_options.verify = verify_peer",
                f"ssl_options.fail_if_no_peer_cert = {'true' if name == 'good' else 'false'}",
            ]
        ):
            settings = {"RABBITMQ_TLS": "true", "RABBITMQ_PORT": port, "RABBITMQ_CONNECT_ATTEMPTS": "1"}
            own = {
                **settings,
                "RABBITMQ_TLS_CA_FILE": tmp_path / "ca.pem",
                "RABBITMQ_TLS_CERT_FILE": tmp_path / "client.pem",
                "RABBITMQ_TLS_KEY_FILE": tmp_path / "client.key",
            }
            service = make_rabbitmq_service(name, **own)
            if expected is not None:
                with service.start() as host:
                    assert host.wait() == 78, host.log()
                    assert expected in host.log()
                continue
            service.send("tls", *(json.dumps({"id": str(i), "pad": "x" * 20000}) for i in range(50)))
            service.settings["LedgerServiceProcessor_QUEUE_NAME"] = "tls"
            with service.start() as host:
                wait_until(lambda: len(service.ids()) == 50, what=host.log)
                assert host.terminate() == 0
            # Without the authority: not trusted. Insecure: warned of, and used.
            foreign = make_rabbitmq_service("foreign", **settings)
            with foreign.start() as host:
                assert host.wait() == 78, host.log()
                assert "RABBITMQ_TLS_CA_FILE" in host.log()
            insecure = make_rabbitmq_service(
                "insecure", **{**own, "RABBITMQ_TLS_CA_FILE": "", "RABBITMQ_TLS_INSECURE": "true"}
            )
            with insecure.start() as host:
                host.wait_for("Consuming")
                assert "RABBITMQ_TLS_INSECURE" in host.log()
                assert host.terminate() == 0


def make_certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test ca")
    for name, san, begin, end in [
        ("good", "IP:127.0.0.1", "20200101000000Z", "20400101000000Z"),
        ("wrong-name", "DNS:elsewhere.example", "20200101000000Z", "20400101000000Z"),
        ("expired", "IP:127.0.0.1", "20200101000000Z", "20210101000000Z"),
        ("client", "DNS:client", "20200101000000Z", "20400101000000Z"),
    ]:
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(f"subjectAltName={san}\n")
        (folder / "index.txt").write_text("")
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        openssl(
            "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr",
            "-out", f"{name}.pem", "-notext", "-startdate", begin, "-enddate", end, "-extfile", f"{name}.ext",
        )
