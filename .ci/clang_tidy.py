# SPDX-License-Identifier: MIT
"""clang-tidy over every source of a build folder's compile commands, several at a time.

Usage: clang_tidy.py [--full] BUILD_FOLDER [FILE…]  Looks at the library and the host; with --full at tests and benchmarks
too, and with clang-analyzer, which together take four times as long. What passed is remembered under BUILD_FOLDER/tidy-passed by the hash of the
preprocessed source and of the checks, so that a second run looks only at what has changed.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"
QUICK = "--checks=-clang-analyzer-*"
PRODUCT = (ROOT / "rococo", ROOT / "rococo_svchost")


def checks():
    """Everything beside the source that decides on the outcome."""
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.clang-tidy"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return b"".join((ROOT / name).read_bytes() for name in sorted(files.stdout.split()))


def preprocessed(entry):
    """The source with all that it includes, as its compiler sees it; none where that fails."""
    words = shlex.split(entry["command"])
    while words and pathlib.Path(words[0]).name == "ccache":
        words.pop(0)
    # Comments stay: NOLINT is one of them.
    words = [word for word in words if word != "-c"]
    if "-o" in words:
        at = words.index("-o")
        del words[at : at + 2]
    ran = subprocess.run([*words, "-E", "-C", "-P"], cwd=entry["directory"], capture_output=True)
    return ran.stdout if ran.returncode == 0 else None


def check(entry, build, common, options):
    """What clang-tidy says about one source; empty if it says nothing."""
    text = preprocessed(entry)
    mark = None
    if text is not None:
        name = os.path.relpath(entry["file"], ROOT)
        mark = build / "tidy-passed" / hashlib.sha256(common + name.encode() + text).hexdigest()
        if mark.exists():
            return ""
    ran = subprocess.run([TIDY, "--quiet", *options, "-p", build, entry["file"]], capture_output=True, text=True)
    if ran.returncode == 0:
        if mark is not None:
            mark.touch()
        return ""
    return ran.stdout or ran.stderr


def main():
    arguments = sys.argv[1:]
    full = arguments[:1] == ["--full"]
    build, *files = arguments[1:] if full else arguments
    build = pathlib.Path(build).resolve()
    wanted = {str(pathlib.Path(name).resolve()) for name in files}
    options = [] if full else [QUICK]
    (build / "tidy-passed").mkdir(exist_ok=True)
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        ours = any(map(file.is_relative_to, PRODUCT)) or (
            full and file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / "build")
        )
        if ours and file.suffix in (".cpp", ".c") and (not wanted or str(file) in wanted):
            entries[str(file)] = {**entry, "file": str(file)}
    common = checks() + " ".join(options).encode()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = {pool.submit(check, entry, build, common, options): name for name, entry in sorted(entries.items())}
        for outcome in concurrent.futures.as_completed(outcomes):
            if said := outcome.result():
                failed += 1
                print(said, flush=True)
    print(f"{len(entries) - failed} passed, {failed} failed (sources under clang-tidy)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
