# SPDX-License-Identifier: MIT
"""Probes tell what is so: the host's health, and never the broker's."""

import contextlib
import re
import socket
import time

from support.admin import Admin
from support.host import wait_until
from support.ports import free_port


def test_a_host_whose_dispatcher_stands_still_is_not_live(watched, admin, bodies):
    service = watched(LIVENESS_STALL="1s", ROCOCO_FAILPOINTS="dispatcher.before_settle=sleep:6000@1")
    with service.start() as host:
        admin.wait_for("/livez", 200)
        service.send("ledger", *bodies(1))
        admin.wait_for("/livez", 503)
        assert "has not turned" in admin.request("GET", "/livez")[1]
        admin.wait_for("/livez", 200)
        assert host.terminate() == 0


def test_a_host_whose_workers_hang_is_not_live_where_there_is_a_limit(watched, admin, bodies, tmp_path):
    gate = tmp_path / "gate"
    service = watched(NUM_THREADS=2, LIVENESS_PROCESS_LIMIT="300ms")
    service.send("ledger", *bodies(1, "slow", do=f"until:{gate}"))
    with service.start():
        admin.wait_for("/livez", 200)
        wait_until(lambda: admin.get("in-hand")["items"])
        time.sleep(0.6)
        assert admin.probe("/livez") == 200, "one worker is free"
        service.send("ledger", *bodies(1, "too", do=f"until:{gate}"))
        admin.wait_for("/livez", 503)
        gate.touch()
        admin.wait_for("/livez", 200)


def test_two_hosts_on_one_port(watched, admin):
    service = watched()
    with service.start():
        admin.wait_for("/livez", 200)
        second = service.run("run")
        assert second.returncode == 78
        assert f"ADMIN_PORT={admin.port}" in second.stderr
        assert admin.probe("/livez") == 200


def test_slow_and_idle_clients_delay_no_probe_and_cost_no_message(watched, admin, bodies):
    service = watched()
    with service.start() as host, contextlib.ExitStack() as clients:
        admin.wait_for("/livez", 200)
        for number in range(200):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", admin.port)))
            if number % 2:
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        service.send("ledger", *bodies(100))
        for _ in range(20):
            assert admin.probe("/livez") == 200
        wait_until(lambda: len(service.ledger()) == 100)
        assert host.terminate() == 0


def test_strangers_are_refused(make_service, bodies):
    port = free_port()
    service = make_service(ADMIN_PORT=port, ADMIN_TOKEN="sesame")
    stranger, friend = Admin(port), Admin(port, token="sesame")
    with service.start() as host:
        stranger.wait_for("/livez", 200)
        assert stranger.request("GET", "/api/v1/status")[0] == 401
        assert Admin(port, token="sesam").request("POST", "/api/v1/pause", {})[0] == 401
        assert friend.request("POST", "/api/v1/pause", {}, Origin="http://evil.example")[0] == 403
        assert friend.get("status")["paused"] is None
        assert friend.post("pause")["paused"]
        assert "sesame" not in host.log() and "sesame" not in friend.request("GET", "/api/v1/config")[1]


def test_without_a_token_only_this_machine_by_its_own_name(watched, admin):
    with watched().start():
        admin.wait_for("/livez", 200)
        assert admin.request("GET", "/api/v1/status", Host="rebound.example")[0] == 403
        assert admin.request("GET", "/api/v1/status", Host=f"localhost:{admin.port}")[0] == 200


def test_the_socket_of_a_host_is_private_and_goes_with_it(watched, admin):
    service = watched()
    with service.start() as host:
        admin.wait_for("/livez", 200)
        (found,) = (service.path / ".svchost" / "run").glob("*.sock")
        assert found.stat().st_mode & 0o777 == 0o600
        assert found.parent.stat().st_mode & 0o777 == 0o700
        for command, words in (("health", "."), ("health --ready", "."), ("status", "ledger"), ("pause", "."), ("status", "aused")):
            told = service.run(*command.split())
            assert told.returncode == 0, told
            assert re.search(words, told.stdout)
        assert service.run("resume").returncode == 0
        assert host.terminate() == 0
    assert not found.exists()
    assert service.run("health").returncode == 69
