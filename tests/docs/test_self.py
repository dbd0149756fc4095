# SPDX-License-Identifier: MIT
"""The test of the documents can fail: for each way in which a document can be wrong, one that is."""

import pytest
from documents import ROOT, DocumentError, read_blocks

SERVICE = """\
```sh
svchost new orders >/dev/null && cd orders
```

"""


def follow(make_session, tmp_path, text):
    document = tmp_path / "document.md"
    document.write_text(text)
    make_session().follow(document)


WRONG = {
    "a command that does not exist": ("```sh\nsvchots check\n```\n", "ended with 127"),
    "a command that fails before &&": ("```sh\nfalse && true\ntrue\n```\n", "ended with 1"),
    "a command that fails in the middle": ("```sh\ntrue\nls /nowhere\ntrue\n```\n", "No such file"),
    "a command of svchost that does not exist": ("```sh\nsvchost chekc\n```\n", "svchost has no command 'chekc'"),
    "an option that does not exist": ("```sh\nsvchost check --evrything\n```\n", "no option '--evrything'"),
    "the same where it is only read": (
        "<!-- test: needs=docker -->\n```sh\ndocker exec c svchost dead-letters lsit --evrything\n```\n", "no option"),
    "a part of the tests that does not exist": ("<!-- test: needs=minutes -->\n```sh\n./dev test dokcer\n```\n", "no part 'dokcer'"),
    "shell that bash does not understand": ("<!-- test: needs=docker -->\n```sh\ndocker run 'open\n```\n", "bash does not understand"),
    "another output": ("```console\n$ echo one\ntwo\n```\n", "shown is\ntwo"),
    "another output below": ("```sh\necho one\n```\n\n<!-- test: output -->\n```text\nother …\n```\n", "shown is\nother"),
    "a service without an end": (SERVICE + "```sh\nsvchost run build\n```\n", "mark the block with until="),
    "code that is not what the file has": (
        SERVICE + "<!-- test: shows=CMakeLists.txt -->\n```cmake\nproject(invoices VERSION 0.1.0 LANGUAGES CXX)\n```\n", "shown is"),
    "code that says nothing of where it is from": ("```cpp\nint x;\n```\n", "mark code with file="),
    "Python that is none": ("<!-- test: file=p.py -->\n```python\ndef process(self, message)\n```\n", "expected ':'"),
    "JSON that is none": ('```json\n{"error": "a sentence",}\n```\n', "double quotes"),
    "a variable that does not exist": ("```env\nRABITMQ_HOST=broker\n```\n", "knows no variable RABITMQ_HOST"),
    "a program that changes the machine": ("```sh\ntrue && apt-get install nothing\n```\n", "mark the block with what it needs"),
    "a mark that does not exist": ("<!-- test: need=docker -->\n```sh\ntrue\n```\n", "there is no mark 'need'"),
    "a need that nobody knows": ("<!-- test: needs=doker -->\n```sh\ntrue\n```\n", "nobody knows the need doker"),
    "a block without a language": ("```\ntrue\n```\n", "the block's language is missing"),
    "code by indentation": ("Do this:\n\n    ./dev run\n", "code by indentation is not tested"),
}


@pytest.mark.parametrize("text, message", WRONG.values(), ids=WRONG.keys())
def test_a_document_is_refused_that_has(text, message, make_session, tmp_path):
    with pytest.raises((DocumentError, SyntaxError, ValueError), match=".*") as refused:
        follow(make_session, tmp_path, text)
    assert message in str(refused.value)


def test_a_wrong_command_put_into_the_readme_is_found(make_session, tmp_path):
    """The README's own text up to its first service, with one letter changed."""
    text = (ROOT / "README.md").read_text()
    assert text.count("svchost new orders && cd orders") == 1
    wrong = text.replace("svchost new orders && cd orders", "svchost nwe orders && cd orders").replace("./dev run ", "true ")
    with pytest.raises(DocumentError, match="svchost has no command 'nwe'"):
        follow(make_session, tmp_path, wrong)


def test_a_document_that_is_right_passes(make_session, tmp_path):
    follow(make_session, tmp_path, SERVICE + """\
<!-- test: shows=CMakeLists.txt -->
```cmake
…
project(orders VERSION 0.1.0 LANGUAGES CXX)
…
rococo_add_service(processor.cpp)
…
```

Folder and exports go on.

```sh
export GREETING="Hello
and more"; svchost send orders "$GREETING" --content-type text/plain
```

<!-- test: output -->
```text
…sent 1 … orders…
```

<!-- test: exit=78 before="unset SERVICE_LIBRARY" -->
```sh
test "$GREETING" && NUM_THREADS=many svchost check
```
""")


def test_blocks_in_lists_are_read(tmp_path):
    document = tmp_path / "document.md"
    document.write_text("- One:\n\n  <!-- test: needs=root -->\n  ```sh\n  id\n    -u\n  ```\n")
    (block,) = read_blocks(document)
    assert (block.text, block.line, block.needs) == ("id\n  -u\n", 4, {"root"})
