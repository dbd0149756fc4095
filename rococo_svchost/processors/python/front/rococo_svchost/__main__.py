# SPDX-License-Identifier: MIT
"""A child process of svchost that runs one processor.

The host runs this file with the service's interpreter, without `-m` and without `-P`, which Python 3.8 does not know:

    PYTHON /path/to/front/rococo_svchost/__main__.py

in a process group of its own, with /dev/null as standard input, pipes as standard output and error, and three more descriptors,
which the environment names: `ROCOCO_FDS=work,calls,page`, such as `3,4,5` (two stream sockets and a file of 4,096 bytes). Then, on
the work socket: HELLO from the host, READY from here (or REFUSED, and the end with 70), START, STARTED, and windows of messages.
On STACK_SIGNAL (signals.py) the stacks of all threads are written to standard error.

multiprocessing's "spawn" imports this file again in its children, under the name `__mp_main__`: they get the import rules of
`rococo` and a handler for log lines, and nothing else happens.
"""

import os
import sys

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_FRONT = os.path.dirname(_PACKAGE)

if __name__ == "__main__":
    # Started as a file, Python puts this folder in front, and `logger` or `process` would be found as top-level modules.
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(_PACKAGE):
        sys.path[0] = _FRONT
    elif _FRONT not in sys.path:  # isolated mode, PYTHONSAFEPATH
        sys.path.insert(0, _FRONT)
    from rococo_svchost.startup import main

    main()
elif __name__ == "__mp_main__":
    if _FRONT not in sys.path:
        sys.path.insert(0, _FRONT)
    from rococo_svchost.startup import prepare_spawned

    prepare_spawned()
