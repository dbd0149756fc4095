# SPDX-License-Identifier: MIT
"""Every document is followed as its reader would: its commands are run, its code is built, its output is compared."""

import json
import re
import subprocess

import pytest
from documents import ROOT, all_documents, name_of, read_blocks
from words import Vocabulary

DOCUMENTS = all_documents()


def each_document(function):
    return pytest.mark.parametrize("path", DOCUMENTS, ids=[name_of(path) for path in DOCUMENTS])(function)


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if "```" in path.read_text()], ids=name_of)
def test_what_it_shows_is_so(path, make_session):
    needs = {need for block in read_blocks(path) for need in block.needs}
    make_session(needs).follow(path)


@each_document
def test_its_sentences_name_commands_and_options_that_exist(path, prefix):
    read_blocks(path)
    Vocabulary(prefix).check_prose(path)


def anchors(text):
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_its_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{name_of(path)} links to {target}, which is not there"
        assert not anchor or anchor in anchors(there.read_text()), f"{name_of(path)}: {there.name} has no heading #{anchor}"


def test_every_example_is_in_the_map_and_can_be_debugged():
    readme = (ROOT / "README.md").read_text()
    launch = json.loads(re.sub(r"^\s*//.*$", "", (ROOT / ".vscode" / "launch.json").read_text(), flags=re.MULTILINE))
    names = [configuration["name"] for configuration in launch["configurations"]]
    for example in ROOT.glob("*_example"):
        assert f"[{example.name}/]({example.name})" in readme
        assert f"Debug {example.name} in svchost" in names


SETTINGS = [*ROOT.glob("*_example/.env*.example"), *ROOT.glob("rococo_svchost/cli/scaffold/*/env")]


@pytest.mark.parametrize("path", SETTINGS, ids=name_of)
def test_the_recipe_of_the_original_reads_our_settings(path, tmp_path):
    """`export $(cat .env | xargs)` takes no comments, so the files have none."""
    settings = tmp_path / "env"
    settings.write_text(path.read_text().replace("@", ""))  # marks of the scaffold
    done = subprocess.run(["bash", "-ec", f"export $(cat {settings} | xargs)"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(re.fullmatch(r"[@\w]+=\S*", line) for line in path.read_text().splitlines()), path


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name != "UPGRADING.md" and "adr" not in path.parts], ids=name_of)
def test_versions_of_images_and_packages_are_the_project_s(path):
    version = re.search(r"^ *VERSION +(\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
    named = re.findall(r"(?:onbuild|host|onbuild:cpp|host:cpp)[:-](\d+\.\d+\.\d+)|rococo-[a-z-]+_(\d+\.\d+\.\d+)_|VERSION=(\d+\.\d+\.\d+)",
                       path.read_text())
    assert {found for groups in named for found in groups if found} <= {version}
