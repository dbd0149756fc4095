# SPDX-License-Identifier: MIT
"""`python src/process.py` is svchost: with this interpreter, and with this folder as the first on the service's path."""

import os
import sys

sys.path.insert(0, "/usr/share/rococo/python/front")

from rococo_svchost.process import main  # noqa: E402

if __name__ == "__main__":
    os.environ.setdefault("PROCESSOR_KIND", "python")
    os.environ.setdefault("PROCESSOR_PATH", os.path.dirname(os.path.abspath(__file__)))
    main()
