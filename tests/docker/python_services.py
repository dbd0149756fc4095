# SPDX-License-Identifier: MIT
"""Services in Python in the shapes that users of the original have, for the tests of images."""

import textwrap
from pathlib import Path

# Waits for a file where the message says so, and says who it is.
PROCESSOR = """\
    import logging
    import os
    import time

    from rococo.messaging import BaseServiceProcessor
    {imports}
    logger = logging.getLogger(__name__)


    class OrderMailProcessor(BaseServiceProcessor):
        def __init__(self):
            super().__init__()

        def process(self, message):
            logger.info("began %s", message)
            while message.get("wait") and not os.path.exists("/tmp/go"):
                time.sleep(0.02)
            logger.info("ended %s {more}", message)
            return True
"""

EMBEDDED = {
    "MESSAGING_TYPE": "SqliteConnection",
    "QUEUE_NAME_PREFIX": "",
    "DRAIN_TIMEOUT": "5m",
    "OrderMailProcessor_QUEUE_NAME": "mails",
}


def write(folder, files):
    """{path: text}; texts may be indented. Scripts can be executed."""
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        if name.endswith(".sh"):
            path.chmod(0o755)
    Path(folder).chmod(0o755)
    return Path(folder)


def processor(imports="", more=""):
    return textwrap.dedent(PROCESSOR).format(imports=imports, more=more)


def project(dependencies="", name="order-mailer", version="1.0.7"):
    """A pyproject.toml of Poetry, as `poetry new` made them; without its readme."""
    return textwrap.dedent(f"""\
        [tool.poetry]
        name = "{name}"
        version = "{version}"
        description = ""
        authors = ["Nobody <nobody@rococo.invalid>"]
        readme = "README.md"

        [tool.poetry.dependencies]
        python = "^3.11"
        """) + dependencies + textwrap.dedent("""
        [build-system]
        requires = ["poetry-core"]
        build-backend = "poetry.core.masonry.api"
        """)


def write_package(folder, dependencies='rococo-svchost = "^1.0.0"\n', imports="", more=""):
    """The layout of 1.0.0: a Poetry project with a package of its name, and no Dockerfile."""
    return write(folder, {
        "pyproject.toml": project(dependencies),
        "order_mailer/__init__.py": "",
        "order_mailer/processor.py": processor(imports, more),
    })  # fmt: skip
