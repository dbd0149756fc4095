# SPDX-License-Identifier: MIT
"""An SQS emulator of the tests' own, on a free port of loopback."""

import os
import pathlib
import re
import socket
import subprocess
import time

from .host import BUILD
from .ports import free_port

EMULATOR = "fauxqs@1.9.2"
REGION = "eu-central-1"
KEY = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-test"}


def why_not():
    """Why the emulator cannot run here; nothing where it can. It needs Node.js 20, and Debian 12 has 18."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if int(re.match(r"v(\d+)", version or "v0")[1]) < 20:
        return f"the SQS emulator needs Node.js 20 or later, and this is {version.strip() or 'none'}"
    return None


def start_emulator():
    """The process and its address, once it takes connections."""
    port = free_port()
    process = subprocess.Popen(
        ["node", str(_script())],
        env={"PATH": os.environ["PATH"], "FAUXQS_HOST": "127.0.0.1", "FAUXQS_PORT": str(port), "FAUXQS_LOGGER": "false"},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the emulator does not start"
            time.sleep(0.05)


def _script():
    """The emulator's program; installed into the build's folder the first time."""
    folder = pathlib.Path(os.environ.get("ROCOCO_FAUXQS_DIR", BUILD / EMULATOR.replace("@", "-")))
    script = folder / "node_modules" / "fauxqs" / "dist" / "server.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--prefix", str(folder), "--no-package-lock", "--no-save", "--no-audit", EMULATOR],
            check=True,
            capture_output=True,
        )
    return script
