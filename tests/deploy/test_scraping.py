# SPDX-License-Identifier: MIT
"""How Prometheus finds hosts: promtool reads the configurations, and the alerts recognise what they scrape."""

import re
import shutil
import subprocess

import pytest
import yaml
from conftest import PROMETHEUS, ROOT, promtool

CONFIGURATIONS = ["prometheus.yml", "prometheus-kubernetes.yml"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration_is_valid(name, tmp_path):
    text = (PROMETHEUS / name).read_text()
    # Debian's promtool is built without Kubernetes: another kind of discovery takes its place, the rest is read as it is.
    known = text.replace("kubernetes_sd_configs:\n      - {role: pod}", "static_configs:\n      - {targets: [localhost]}")
    assert "kubernetes_sd_configs" not in known
    (tmp_path / "prometheus.yml").write_text(known)
    shutil.copy(PROMETHEUS / "alerts.yml", tmp_path)
    code, output = promtool("check", "config", tmp_path / "prometheus.yml")
    assert code == 0, output
    assert "SUCCESS: 1 rule files found" in output


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_job_gets_the_name_that_the_alerts_look_for(name):
    for job in yaml.safe_load((PROMETHEUS / name).read_text())["scrape_configs"]:
        replaced = [rule for rule in job.get("relabel_configs", []) if rule.get("target_label") == "job"]
        assert [rule["replacement"] for rule in replaced] == ([] if job["job_name"] == "rococo" else ["rococo"])


def test_what_is_looked_for_is_there():
    """The alias in compose.yaml, and the label and the port in the manifests."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    (dns,) = [job["dns_sd_configs"][0] for job in jobs("prometheus.yml") if "dns_sd_configs" in job]
    aliases = {alias for service in compose["services"].values() for alias in network_aliases(service)}
    assert set(dns["names"]) == aliases
    kept = {rule["source_labels"][0]: rule["regex"] for rule in jobs("prometheus-kubernetes.yml")[0]["relabel_configs"] if rule.get("action") == "keep"}
    for manifest in ("service.yaml", "cron.yaml"):
        pods = [document["spec"]["template"] for document in manifests(manifest) if document["kind"] == "Deployment"]
        for pod in pods:
            assert pod["metadata"]["labels"]["app.kubernetes.io/part-of"] == kept["__meta_kubernetes_pod_label_app_kubernetes_io_part_of"]
            ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
            assert ports == {kept["__meta_kubernetes_pod_container_port_name"]: dns["port"]}


def test_the_alerts_become_a_prometheus_rule():
    """By the commands of docs/KUBERNETES.md, up to the cluster."""
    text = (ROOT / "docs" / "KUBERNETES.md").read_text()
    (commands,) = re.findall(r"^(\{ printf .*?)\| kubectl apply -f -$", text, re.MULTILINE | re.DOTALL)
    rule = subprocess.run(["bash", "-ec", commands], cwd=ROOT / "deploy" / "kubernetes", capture_output=True, text=True, check=True).stdout
    assert yaml.safe_load(rule)["kind"] == "PrometheusRule"
    assert yaml.safe_load(rule)["spec"] == yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())


def jobs(name):
    return yaml.safe_load((PROMETHEUS / name).read_text())["scrape_configs"]


def network_aliases(service):
    networks = service.get("networks", {})
    return networks["default"]["aliases"] if networks else []


def manifests(name):
    return list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / name).read_text()))
