# SPDX-License-Identifier: MIT
"""The manifests of deploy/kubernetes: their schemas, and what a schema cannot know."""

import json
import re

import yaml
from conftest import ROOT, docker, HOST_IMAGE, run_check

MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def test_manifests_are_what_their_schemas_say():
    checked = run_check("kubernetes", *MANIFESTS)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("ok ") == 12


def test_the_check_finds_faults():
    checked = run_check("kubernetes", "--self-test", *MANIFESTS)
    assert checked.returncode == 0, checked.stdout


def test_grace_period_is_longer_than_the_drain():
    for manifest in ("service.yaml", "cron.yaml"):
        text = (ROOT / "deploy" / "kubernetes" / manifest).read_text()
        drain = int(re.search(r"DRAIN_TIMEOUT\W+(?:value: )?(\d+)s", text)[1])
        for grace in re.findall(r"terminationGracePeriodSeconds: (\d+)", text):
            assert int(grace) >= drain + 5


def documents(name):
    return list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / name).read_text()))


def hosts():
    """The pods of the deployments that run hosts."""
    found = [*documents("service.yaml"), *documents("cron.yaml")]
    return [document["spec"]["template"] for document in found if document["kind"] == "Deployment"]


def test_probes_and_ids_are_those_of_the_image():
    text = (ROOT / "deploy" / "kubernetes" / "service.yaml").read_text()
    environment = json.loads(docker("inspect", "-f", "{{json .Config.Env}}", HOST_IMAGE))
    port = next(word.partition("=")[2] for word in environment if word.startswith("ADMIN_PORT="))
    for pod in hosts():
        (container,) = pod["spec"]["containers"]
        assert container["ports"] == [{"name": "admin", "containerPort": int(port)}]
        probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
        assert {kind: get["path"] for kind, get in probes.items()} == {"startup": "/startupz", "readiness": "/readyz", "liveness": "/livez"}
        assert all(get["port"] == "admin" for get in probes.values())
    assert docker("inspect", "-f", "{{.Config.User}}", HOST_IMAGE).strip() == "10001:10001"
    assert "runAsUser: 10001" in text and "mountPath: /var/lib/rococo" in text


def test_fleet_finds_the_pods_and_has_their_token():
    service, dashboard, monitor = documents("fleet.yaml")
    chosen = service["spec"]["selector"]
    assert monitor["spec"]["selector"]["matchLabels"] == chosen
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (container,) = dashboard["spec"]["template"]["spec"]["containers"]
    (port,) = service["spec"]["ports"]
    assert {"name": "DASHBOARD_HOSTS", "value": f"http://{service['metadata']['name']}:{port['port']}"} in container["env"]
    (token,) = container["envFrom"]
    for pod in hosts():
        assert chosen.items() <= pod["metadata"]["labels"].items()
        (host,) = pod["spec"]["containers"]
        assert endpoint["port"] == port["targetPort"] == host["ports"][0]["name"]
        assert {"secretRef": {**token["secretRef"], "optional": True}} in host["envFrom"]
