# SPDX-License-Identifier: MIT
"""clang-tidy over every source of a build folder's compile commands, several at a time.

Usage: clang_tidy.py [--full] BUILD_FOLDER [FILE…]  Looks at the library and the host; with --full at tests and benchmarks
too, and with clang-analyzer, which together take four times as long.

Nearly all the time goes into the standard library's headers, which each check walks through for each source. So the
sources of a folder are read as one, a *unit*, as in a unity build; those that cannot stand beside the others (names of
theirs collide) come into the next unit. What passed is remembered under BUILD_FOLDER/tidy-passed by the hash of the
preprocessed unit and of the checks, so that a second run looks only at what has changed.
"""

import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"
QUICK = "--checks=-clang-analyzer-*"
PRODUCT = (ROOT / "rococo", ROOT / "rococo_svchost")
# As in .clang-tidy, but sources too: they are included in a unit, so their findings are findings in headers.
HEADER_FILTER = f"--header-filter={ROOT}/(rococo|rococo_svchost|tests|service_example|cron_[^/]*)/.*"
MAX_UNIT = 24


@dataclasses.dataclass(frozen=True)
class Unit:
    """Sources of one folder that are compiled by one command, all but its input and output."""

    folder: pathlib.Path  # where the command is called
    command: tuple
    sources: tuple

    @property
    def text(self):
        return "".join(f'#include "{source}" // NOLINT(bugprone-suspicious-include)\n' for source in self.sources)

    def of(self, sources):
        return dataclasses.replace(self, sources=tuple(sources))

    def compiler(self, *options):
        """What the compiler says when it is called with these options."""
        language = "c" if self.sources[0].endswith(".c") else "c++"
        return subprocess.run(
            [*self.command, *options, "-x", language, "-"], cwd=self.folder, input=self.text, capture_output=True, text=True
        )


def units_of(entries):
    """The sources of compile commands in units as large as may be; sources outside the product stand alone."""
    alike = {}
    for entry in entries:
        words = [word for word in shlex.split(entry["command"]) if word not in ("-c", entry["file"])]
        if pathlib.Path(words[0]).name == "ccache":
            del words[0]
        at = words.index("-o")
        del words[at : at + 2]
        source = pathlib.Path(entry["file"]).resolve()
        together = source.parent if any(map(source.is_relative_to, PRODUCT)) else source
        alike.setdefault((entry["directory"], tuple(words), source.suffix, together), []).append(str(source))
    for (folder, command, _, _), sources in alike.items():
        for first in range(0, len(sources), MAX_UNIT):
            yield Unit(folder, command, tuple(sources[first : first + MAX_UNIT]))


def that_compile(unit):
    """The unit in parts that compile; a source that does not even alone is a part, too."""
    waiting = unit.sources
    while waiting:
        now, later = waiting, ()
        while len(now) > 1 and (ran := unit.of(now).compiler("-fsyntax-only")).returncode != 0:
            blamed = set(re.findall(r"^(\S+?):\d+:\d+: (?:fatal )?error: ", ran.stderr, re.MULTILINE))
            # The first stays in any case, so that each round leaves fewer to place.
            kept = tuple(source for source in now if source == now[0] or (source not in blamed and blamed & set(now[1:])))
            later += tuple(source for source in now if source not in kept)
            now = kept
        yield unit.of(now)
        waiting = later


def checks():
    """Everything beside the sources that decides on the outcome."""
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.clang-tidy"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return b"".join((ROOT / name).read_bytes() for name in sorted(files.stdout.split()))


def check(unit, build, common, options):
    """What clang-tidy says about a unit; empty if it says nothing."""
    # Comments stay: NOLINT is one of them.
    preprocessed = unit.compiler("-E", "-C", "-P")
    key = hashlib.sha256(common + " ".join(unit.sources).encode() + preprocessed.stdout.encode()).hexdigest()
    passed = build / "tidy-passed" / key
    if passed.exists():
        return ""
    source = pathlib.Path(unit.sources[0])
    if len(unit.sources) > 1:
        source = build / "units" / f"{key}{source.suffix}"
        source.write_text(unit.text)
    ran = subprocess.run(
        [TIDY, "--quiet", HEADER_FILTER, *options, source, "--", *unit.command[1:]],
        cwd=unit.folder,
        capture_output=True,
        text=True,
    )
    if ran.returncode == 0 and preprocessed.returncode == 0:
        passed.touch()
    return "" if ran.returncode == 0 else ran.stdout or ran.stderr


def main():
    arguments = sys.argv[1:]
    full = arguments[:1] == ["--full"]
    build, *files = arguments[1:] if full else arguments
    build = pathlib.Path(build).resolve()
    wanted = {str(pathlib.Path(name).resolve()) for name in files}
    options = [] if full else [QUICK]
    for folder in ("tidy-passed", "units"):
        (build / folder).mkdir(exist_ok=True)
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"]).resolve()
        ours = any(map(file.is_relative_to, PRODUCT)) or (
            full and file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / "build")
        )
        if ours and file.suffix in (".cpp", ".c") and (not wanted or str(file) in wanted):
            entries[str(file)] = entry
    common = checks() + " ".join([HEADER_FILTER, *options]).encode()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda unit: list(that_compile(unit)), units_of(entries.values()))
        outcomes = {
            pool.submit(check, part, build, common, options): part for unit_parts in parts for part in unit_parts
        }
        for outcome in concurrent.futures.as_completed(outcomes):
            if said := outcome.result():
                failed += len(outcomes[outcome].sources)
                print(said, flush=True)
    print(f"{len(entries) - failed} passed, {failed} failed (sources under clang-tidy)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
