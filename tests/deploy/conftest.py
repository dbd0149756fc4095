# SPDX-License-Identifier: MIT
"""What the tests of deploy/ share: its files, and promtool, which Debian has in the package prometheus."""

import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
sys.path[:0] = [str(pathlib.Path(__file__).parent)]


def promtool(*words):
    """Runs promtool; gives its exit code and what it printed, both streams together."""
    done = subprocess.run(["promtool", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


def alerts(text=None):
    """The alerts of alerts.yml, or of another such text, by their names."""
    groups = yaml.safe_load(text or (PROMETHEUS / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def families():
    """The metrics that docs/OPERATIONS.md lists; a histogram with the three names that its series have."""
    names = set()
    for name, kind in re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", (ROOT / "docs" / "OPERATIONS.md").read_text(), re.MULTILINE):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


def metrics_in(expression):
    """The names of metrics in an expression of PromQL: what is a word and no function, label or keyword."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"\b[a-z_]\w*\b(?!\s*\()", bare)
    return set(words) - {"and", "or", "unless", "offset", "bool", "by", "sum", "max", "min", "avg", "count", "topk"}
