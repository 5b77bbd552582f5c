"""rehearsal.yaml: read with good errors, written so that it is read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.models.rehearsal_file import FileToWrite, Turn, parse_script, read_script
from freehold.models.rehearsal_text import Note, write_script

# The example of docs/interfaces.md, "rehearsal.yaml".
EXAMPLE = """\
version: 1
turns:
  - say: Reading the history first.
    shell: git log --oneline | head -20
    expect: "feat|fix"            # regular expression on what this turn's tool returned
  - write: {path: NOTES.md, content: "…"}
  - say: Done.
"""


def test_the_example_of_the_interfaces() -> None:
    turns = parse_script(EXAMPLE, "rehearsal.yaml").turns
    assert turns == (
        Turn("Reading the history first.", "git log --oneline | head -20", expect=re.compile("feat|fix", re.MULTILINE)),
        Turn(write=FileToWrite("NOTES.md", "…")),
        Turn("Done."),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nturns:\n  - say: [unclosed\n", "r.yaml:4:1"),
        ("version: 1\nturns:\n - say: a\n   - shell: b\n", "r.yaml:4:4"),
        ("version: 1\nturns:\n  - say: a\n    say: b\n", "r.yaml:4:5"),
        ("version: 1\nturns: !!python/object:os.system [ls]\n", "r.yaml:2:8"),
        ("\t- x", "r.yaml:1:1"),
        ("\x07", "r.yaml"),
        ("", "must be a table"),
        ("- say: x", "must be a table"),
        ("turns: [{say: x}]", "version must be 1"),
        ("version: 2\nturns: [{say: x}]", "version must be 1"),
        ("version: 1", "turns must be a list"),
        ("version: 1\nturns: []", "turns must be a list"),
        ("version: 1\nturns: [x]", r"turns\[0\] must be a table"),
        ("version: 1\nturns: [{}]", r"turns\[0\] says and does nothing"),
        ("version: 1\nturns: [{say: x}, {shel: ls}]", r'turns\[1\].shel is not known \(did you mean "shell"\?\)'),
        ("version: 1\nturns: [{say: 5}]", r"turns\[0\].say must be a text"),
        ("version: 1\nturns: [{shell: ls, write: {path: a}}]", "both shell and write"),
        ("version: 1\nturns: [{say: x, expect: y}]", r"turns\[0\].expect needs a shell or write"),
        ("version: 1\nturns: [{shell: x, expect: '('}]", r"turns\[0\].expect is no regular expression"),
        ("version: 1\nturns: [{write: NOTES.md}]", r"turns\[0\].write must be a table"),
        ("version: 1\nturns: [{write: {path: '', content: x}}]", r"turns\[0\].write.path must name a file"),
        ("version: 1\nturns: [{write: {content: x}}]", r"turns\[0\].write.path must be a text"),
        ("version: 1\nturns: [{write: {path: a, contents: x}}]", r'contents is not known \(did you mean "content"\?\)'),
        ("version: 1\nturns: [{say: x}]\nturn: 1", r'turn is not known \(did you mean "turns"\?\)'),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as failure:
        parse_script(text, "r.yaml")
    assert failure.value.code is Code.CONFIG
    assert failure.value.message.startswith("r.yaml")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError, match="there is no rehearsal") as failure:
        read_script(tmp_path / "rehearsal.yaml")
    assert "--record" in failure.value.hint
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FreeholdError, match="cannot be read"):
        read_script(tmp_path / "bytes.yaml")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
commands = texts.filter(bool)
turns = st.one_of(
    st.builds(Turn, commands),
    st.builds(Turn, texts, commands),
    st.builds(Turn, st.just(""), st.just(""), st.builds(FileToWrite, commands, texts)),
)


@given(st.lists(turns, min_size=1, max_size=4))
def test_what_is_written_is_read_back(entries: list[Turn]) -> None:
    assert parse_script(write_script([*entries]), "r.yaml").turns == tuple(entries)


def test_a_written_rehearsal_is_for_people() -> None:
    text = write_script([
        Turn("Looking.", "git log | head\ngit status"), Note("not rehearsed: WebSearch {'query': 'x'}"), Turn("Done."),
    ])  # fmt: skip
    assert text == (
        "version: 1\nturns:\n  - say: Looking.\n    shell: |-\n      git log | head\n      git status\n"
        "  # not rehearsed: WebSearch {'query': 'x'}\n  - say: Done.\n"
    )


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname"])
def test_a_rehearsal_that_is_a_link_is_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "rehearsal.yaml").symlink_to(target)
    with pytest.raises(FreeholdError, match="is a link"):
        read_script(tmp_path / "rehearsal.yaml")


def test_merges_of_merges_are_refused() -> None:
    lines = ["a0: &a0 {k: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9))]
    with pytest.raises(FreeholdError, match=r"r\.yaml:2:10: keys are not merged"):
        parse_script("\n".join(lines), "r.yaml")
