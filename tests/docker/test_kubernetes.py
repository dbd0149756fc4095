# SPDX-License-Identifier: MIT
"""The manifests of deploy/kubernetes: their schemas, and what a schema cannot know."""

import re

from conftest import ROOT, docker, HOST_IMAGE, run_check

MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def test_manifests_are_what_their_schemas_say():
    checked = run_check("kubernetes", *MANIFESTS)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("ok ") == 9


def test_the_check_finds_faults():
    checked = run_check("kubernetes", "--self-test", *MANIFESTS)
    assert checked.returncode == 0, checked.stdout


def test_grace_period_is_longer_than_the_drain():
    for manifest in ("service.yaml", "cron.yaml"):
        text = (ROOT / "deploy" / "kubernetes" / manifest).read_text()
        drain = int(re.search(r"DRAIN_TIMEOUT\W+(?:value: )?(\d+)s", text)[1])
        for grace in re.findall(r"terminationGracePeriodSeconds: (\d+)", text):
            assert int(grace) >= drain + 5


def test_probes_and_ids_are_those_of_the_image():
    text = (ROOT / "deploy" / "kubernetes" / "service.yaml").read_text()
    probe = re.search(r"livenessProbe:\n\s+exec: {command: \[(\S+)\]}", text)[1]
    docker("run", "--rm", "--entrypoint", "test", HOST_IMAGE, "-x", f"/usr/bin/{probe}")
    assert docker("inspect", "-f", "{{.Config.User}}", HOST_IMAGE).strip() == "10001:10001"
    assert "runAsUser: 10001" in text and "mountPath: /var/lib/rococo" in text
