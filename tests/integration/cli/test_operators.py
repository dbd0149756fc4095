# SPDX-License-Identifier: MIT
"""The commands for running hosts: health, status, pause, resume, run-now, queues, dashboard; against hosts of the test's own."""

import json
import re
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from support.host import DEADLINE_S, executable, wait_until
from support.ports import free_port
from support.stub_host import StubHost


# health


def test_health_of_one_host(service, host):
    for words, well in ((["health"], "alive"), (["health", "--ready"], "ready")):
        result = service.run(*words)
        assert (result.returncode, result.stdout, result.stderr) == (0, f"web1-4711 is {well}\n", "")
    host.ready, host.remarks = False, ["RabbitMQ cannot be reached: connection refused."]
    assert service.run("health").returncode == 0
    result = service.run("health", "--ready")
    assert result.returncode == 1
    assert result.stdout == "web1-4711 is not ready: RabbitMQ cannot be reached: connection refused.\n"


def test_health_needs_all_hosts_to_be_well(service, state, host):
    with StubHost(state, "web1-4712") as other:
        assert service.run("health").stdout == "all 2 hosts are alive\n"
        other.live, other.remarks = False, ["The dispatcher stands still."]
        result = service.run("health")
        assert result.returncode == 1
        assert result.stdout == "web1-4712 is not alive: The dispatcher stands still.\n"


def test_health_where_nothing_answers(service, state):
    result = service.run("health")
    assert result.returncode == 69
    assert f"no host runs here: looked in {state}/run" in result.stderr
    assert result.stdout == ""
    StubHost(state).kill()
    assert service.run("health").returncode == 69, "the socket of a host that was killed"


def test_health_by_the_port_where_there_is_no_socket(service, state):
    with StubHost() as host:
        port = host.url.rpartition(":")[2]
        result = service.run("health", ADMIN_PORT=port, ADMIN_ADDRESS="0.0.0.0")
        assert (result.returncode, result.stdout) == (0, f"http://127.0.0.1:{port} is alive\n")
        assert service.run("health", "--url", host.url).returncode == 0
    assert service.run("health", ADMIN_PORT=port).returncode == 69


def test_health_does_not_load_the_service(service, host):
    assert service.run("health", SERVICE_LIBRARY="/no/such.service.so").returncode == 0


# status


def test_status_of_one_host(service, host):
    result = service.run("status")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("● OrderServiceProcessor on orders: running for 4 h\n")
    for text in ("web1-4711, version 1.2.0 (73ebe23), process 4711", "12 ready, 3 in hand", "98.2/s acknowledged"):
        assert text in result.stdout
    assert "together" not in result.stdout


def test_status_of_several_hosts_and_their_sum(service, state, host):
    with StubHost(state, "web1-4712"):
        text = service.run("status").stdout
    assert text.count("● ") == 2
    assert "2 hosts together: 2 running\n" in text
    assert "196.4/s acknowledged" in text
    assert text.count("12 ready") == 3, "each host sees the same queue"


def test_status_for_programs(service, state, host):
    assert json.loads(service.run("status", "--json").stdout) == host.status
    with StubHost(state, "web1-4712") as other:
        statuses = json.loads(service.run("status", "--json").stdout)
        assert sorted(one["host"]["instance"] for one in statuses) == [host.name, other.name]


def test_status_by_url_sends_the_token(service):
    with StubHost() as host:
        for words, token in ([], None), (["--token", "one"], "Bearer one"):
            host.tokens.clear()
            assert service.run("status", "--url", host.url + "/", *words).returncode == 0
            assert host.tokens == [token]
        host.tokens.clear()
        assert service.run("status", "--url", host.url, ADMIN_TOKEN="of-the-folder").returncode == 0
        assert host.tokens == ["Bearer of-the-folder"]


def test_a_wrong_url_is_said(service):
    result = service.run("status", "--url", "orders:9464")
    assert result.returncode == 64
    assert "--url: expected a URL such as http://localhost:9464, not 'orders:9464'" in result.stderr


def test_a_host_that_does_not_answer_as_one_is_an_error(service, host):
    host.status = ["not", "a", "status"]
    result = service.run("status")
    assert result.returncode == 69
    assert "web1-4711: its answer is not that of a host" in result.stderr


def test_status_where_no_host_runs_tells_of_the_queue(service, state):
    service.send("ledger", '{"id": "1"}', '{"id": "2"}')
    result = service.run("status")
    assert result.returncode == 69
    first, queue = result.stdout.splitlines()
    assert first == f"no host runs here: looked in {state}/run"
    assert queue == "ledger: 2 ready, 0 in hand, 0 wait for a retry, 0 dead letters"
    assert json.loads(service.run("status", "--json").stdout) == []


def test_status_is_shown_again_and_again(service, host):
    process = subprocess.Popen(
        [executable("svchost"), "status", "--watch=100ms", "--json"], cwd=service.path, env=service.environment(),
        stdout=subprocess.PIPE, text=True,
    )
    try:
        assert json.loads(process.stdout.readline())["workers"] == 4
        host.status["workers"] = 5
        wait_until(lambda: json.loads(process.stdout.readline())["workers"] == 5, DEADLINE_S, lambda: "never 5")
    finally:
        process.kill()
        process.wait()


def test_a_wrong_interval_is_refused(service):
    result = service.run("status", "--watch=soon")
    assert result.returncode == 64
    assert "expected a duration from 100ms to 1d" in result.stderr


# pause, resume, run-now


def test_pause_and_resume_tell_every_host(service, state, host):
    with StubHost(state, "web1-4712") as other:
        result = service.run("pause", "--for", "10m", "--reason", "upgrade")
        assert result.returncode == 0, result.stderr
        assert sorted(result.stdout.splitlines()) == [
            "web1-4711: paused until 2026-12-01T14:10:00.000Z", "web1-4712: paused until 2026-12-01T14:10:00.000Z"]  # fmt: skip
        for one in (host, other):
            [(action, body, headers)] = one.asked
            assert (action, body) == ("pause", {"reason": "upgrade", "for_s": 600})
            assert headers["Content-Type"] == "application/json"
        result = service.run("resume")
        assert sorted(result.stdout.splitlines()) == ["web1-4711: goes on", "web1-4712: goes on"]
        assert service.run("resume").stdout.count("was not paused") == 2


def test_a_pause_without_length_lasts_until_resume(service, host):
    assert service.run("pause").stdout == "web1-4711: paused, until svchost resume\n"
    assert host.asked[0][1] == {}


def test_a_refusal_is_told_and_fails(service, state, host):
    with StubHost(state, "web1-4712") as other:
        other.refuses["resume"] = (409, "PAUSED=1 is set; that ends this pause.")
        result = service.run("resume")
        assert result.returncode == 1
        assert result.stdout == "web1-4711: was not paused\n"
        assert "web1-4712: PAUSED=1 is set; that ends this pause. (409)" in result.stderr


@pytest.mark.parametrize("command", ["pause", "resume", "run-now"])
def test_nothing_to_steer(service, command):
    result = service.run(command)
    assert result.returncode == 69
    assert "no host runs here" in result.stderr


def test_wrong_lengths_of_a_pause(service):
    for length in ("soon", "0s", "-1m", "2000d"):
        result = service.run("pause", f"--for={length}")
        assert result.returncode == 64, length
        assert "--for: expected a duration" in result.stderr


def test_run_now_is_one_run_by_the_leader(service, state):
    with StubHost(state, "a") as follower, StubHost(state, "b") as leader:
        for one, leads in (follower, False), (leader, True):
            one.status["schedule"] = {"leads": leads}
        result = service.run("run-now")
        assert (result.returncode, result.stdout) == (0, "b: started\n")
        assert [action for action, *_ in leader.asked] == ["schedules/run"]
        assert follower.asked == []
        leader.refuses["schedules/run"] = (503, "It drains.")
        result = service.run("run-now")
        assert (result.returncode, result.stdout) == (0, "a: started\n")
        assert "b: It drains. (503)" in result.stderr
        follower.refuses["schedules/run"] = (403, "This host is read only.")
        assert service.run("run-now").returncode == 1


# queues


def test_queues_are_all_that_there_are(service):
    service.send("ledger", '{"id": "1"}')
    service.send("other", '{"id": "2"}')
    result = service.run("queues")
    assert result.returncode == 0, result.stderr
    title, *rows = result.stdout.splitlines()
    assert title.split("  ")[0] == "QUEUE"
    assert [row.split() for row in rows] == [["ledger", "1", "0", "0", "0"], ["other", "1", "0", "0", "0"]]
    listed = json.loads(service.run("queues", "--json").stdout)
    assert listed[0] == {"name": "ledger", "ready": 1, "in_hand": 0, "retry": 0, "dead_letters": 0}
    assert [queue["name"] for queue in listed] == ["ledger", "other"]


def test_dead_letters_are_a_number_of_their_queue(service):
    service.send("ledger", '{"id": "1", "do": "permanent"}')
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    [queue] = json.loads(service.run("queues", "--json").stdout)
    assert (queue["name"], queue["ready"], queue["dead_letters"]) == ("ledger", 0, 1)


def test_without_queue_and_service_there_is_nothing_to_count(tmp_path, service):
    result = service.run("queues", str(tmp_path), SERVICE_LIBRARY="", LedgerServiceProcessor_QUEUE_NAME="")
    assert result.returncode == 70
    assert "which queue? Name it, or call from a service's folder" in result.stderr


# dashboard


class Dashboard:
    def __init__(self, service, **more):
        self.port = free_port()
        self.process = subprocess.Popen(
            [executable("svchost"), "dashboard"], cwd=service.path, stderr=subprocess.PIPE, text=True,
            env=service.environment(DASHBOARD_PORT=self.port, **more),
        )
        line = self.process.stderr.readline()
        assert f"Dashboard at http://127.0.0.1:{self.port}" in line, line

    def get(self, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return json.load(answer)

    def reachable(self, token=None):
        return [one for one in self.get("/api/v1/fleet", token)["hosts"] if one["reachable"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def test_the_dashboard_shows_the_hosts_of_the_folder(service, state, host):
    with StubHost(state, "web1-4712"), Dashboard(service) as dashboard:
        wait_until(lambda: len(dashboard.reachable()) == 2, DEADLINE_S, lambda: dashboard.get("/api/v1/fleet"))
        one = next(one for one in dashboard.reachable() if one["name"] == "web1-4711")
        assert one["status"] == host.status
        assert dashboard.get(f"/api/v1/hosts/{one['key']}/in-hand")["items"][0]["message"] == "order-17"
        dashboard.process.send_signal(signal.SIGTERM)
        assert dashboard.process.wait(DEADLINE_S) == 0


def test_the_dashboard_shows_hosts_by_name(service):
    with StubHost() as host:
        port = host.url.rpartition(":")[2]
        more = {"DASHBOARD_HOSTS": f"http://localhost:{port}", "ADMIN_TOKEN": "for-hosts", "DASHBOARD_TOKEN": "own"}
        with Dashboard(service, **more) as dashboard:
            wait_until(lambda: len(dashboard.reachable("own")) == 1, DEADLINE_S, lambda: dashboard.get("/api/v1/fleet", "own"))
            [one] = dashboard.get("/api/v1/fleet", "own")["hosts"]
            assert one["name"] == f"localhost:{port}"
            assert host.tokens[0] == "Bearer for-hosts"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                dashboard.get("/api/v1/fleet", "for-hosts")


def test_the_dashboard_says_what_is_wrong(service):
    for more, expected in (
        ({"DASHBOARD_HOSTS": "orders:9464"}, "DASHBOARD_HOSTS: expected http://name:port or unix:/path/*.sock, not 'orders:9464'"),
        ({"DASHBOARD_ADDRESS": "192.0.2.1"}, "DASHBOARD_ADDRESS=192.0.2.1"),
        ({"DASHBOARD_PORT": "http"}, "DASHBOARD_PORT=http"),
    ):
        result = service.run("dashboard", **more)
        assert result.returncode == 78, result.stderr
        assert expected in result.stderr


def test_a_port_that_is_taken_is_said(service):
    with Dashboard(service) as dashboard:
        result = service.run("dashboard", DASHBOARD_PORT=dashboard.port)
        assert result.returncode == 78
        assert re.search(rf"DASHBOARD_PORT={dashboard.port}: another process listens on this port", result.stderr)
