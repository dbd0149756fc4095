# SPDX-License-Identifier: MIT
"""The blocks of a Markdown document, and the marks above them. CONTRIBUTING.md says what the marks mean."""

import dataclasses
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[2]

COMMANDS = {"sh", "bash", "console"}
LANGUAGES = COMMANDS | {"cpp", "cmake", "python", "dockerfile", "javascript", "json", "yaml", "env", "text"}
# Code that is built or compared with a file: it says which.
CODE = {"cpp", "cmake", "javascript", "python"}
MARKS = {"needs", "in", "until", "before", "exit", "file", "shows", "output"}
# What a block may need. The tests of the documents give the first ones; of the others a block is only read.
GIVEN = {"rabbitmq", "sqs", "release"}
NOT_GIVEN = {"docker", "kubernetes", "root", "forge", "minutes", "gdb", "another-machine"}


class DocumentError(AssertionError):
    """What is wrong, with the document and the line."""


@dataclasses.dataclass
class Block:
    document: str
    line: int
    language: str
    text: str
    marks: dict

    @property
    def needs(self):
        return set(filter(None, self.marks.get("needs", "").split(",")))

    def error(self, what):
        return DocumentError(f"{self.document}:{self.line}: {what}")


def all_documents():
    """Every document that a user reads: the scaffold's are tested where the scaffold is."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*_example/README.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def name_of(path):
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def read_blocks(path):
    """The document's fenced blocks, in order. A block without a language is refused, so that none goes untested."""
    name, blocks, lines = name_of(path), [], path.read_text().splitlines()
    number = 0
    while number < len(lines):
        fence = re.match(r"( *)```(\w*)\s*$", lines[number])
        if not fence:
            _refuse_indented_code(name, lines, number)
            number += 1
            continue
        indent, language = len(fence[1]), fence[2]
        end = next((at for at in range(number + 1, len(lines)) if lines[at].strip() == "```"), None)
        if end is None:
            raise DocumentError(f"{name}:{number + 1}: the block has no end")
        marks = _marks(name, number, lines[number - 1] if number else "")
        text = "".join(line[indent:] + "\n" for line in lines[number + 1 : end])
        blocks.append(_checked(Block(name, number + 1, language, text, marks)))
        number = end + 1
    return blocks


def _refuse_indented_code(name, lines, number):
    starts = lines[number].startswith("    ") and (number == 0 or not lines[number - 1].strip())
    in_list = any(re.match(r"\s*([-*]|\d+\.) ", line) for line in lines[max(0, number - 12) : number])
    if starts and not in_list:
        raise DocumentError(f"{name}:{number + 1}: code by indentation is not tested: fence it with ``` and a language")


def _marks(name, number, above):
    found = re.fullmatch(r"\s*<!-- test: (.*) -->\s*", above)
    if not found:
        return {}
    marks = {}
    for word in shlex.split(found[1]):
        key, _, value = word.partition("=")
        if key not in MARKS:
            raise DocumentError(f"{name}:{number}: there is no mark '{key}'; there are: {', '.join(sorted(MARKS))}")
        marks[key] = value
    return marks


def _checked(block):
    if block.language not in LANGUAGES:
        said = f"is '{block.language}'" if block.language else "is missing"
        raise block.error(f"the block's language {said}; there are: {', '.join(sorted(LANGUAGES))}")
    if unknown := block.needs - GIVEN - NOT_GIVEN:
        raise block.error(f"nobody knows the need {', '.join(unknown)}; there are: {', '.join(sorted(GIVEN | NOT_GIVEN))}")
    if block.language in CODE and not {"file", "shows"} & block.marks.keys():
        raise block.error("mark code with file=PATH (it is written there) or shows=PATH (it is what is there)")
    return block
