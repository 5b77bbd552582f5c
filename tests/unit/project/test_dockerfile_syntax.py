from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code
from freehold.project.dockerfiles.stages import stages, with_base
from freehold.project.dockerfiles.syntax import DockerfileError, Heredoc, parse, split_words

READ = [
    ("one instruction", "FROM a\n", [("FROM", "a", 1, 1)]),
    ("no newline at the end", "FROM a", [("FROM", "a", 1, 1)]),
    ("keywords in any case", "from a\nrUn b\n", [("FROM", "a", 1, 1), ("RUN", "b", 2, 2)]),
    ("a tab after the keyword", "FROM\ta\n", [("FROM", "a", 1, 1)]),
    ("indented", "  FROM a\n\tRUN b\n", [("FROM", "a", 1, 1), ("RUN", "b", 2, 2)]),
    ("comments and empty lines", "# x\n\nFROM a\n\n # y\nRUN b # z\n", [("FROM", "a", 3, 3), ("RUN", "b # z", 6, 6)]),
    ("continued", "RUN a && \\\n    b\n", [("RUN", "a &&     b", 1, 2)]),
    ("blanks after the continuation", "RUN a \\ \t\n b\n", [("RUN", "a  b", 1, 2)]),
    ("comments between continued lines", "RUN a \\\n# c\n\n  # d\n b\n", [("RUN", "a  b", 1, 5)]),
    ("an escaped escape continues nothing", "RUN a \\\\\nRUN b\n", [("RUN", "a \\\\", 1, 1), ("RUN", "b", 2, 2)]),
    ("another escape", "# escape=`\nRUN a `\n b\nRUN c\\\n", [("RUN", "a  b", 2, 3), ("RUN", "c\\", 4, 4)]),
    ("a directive after a comment is a comment", "# x\n# escape=`\nRUN a \\\n b\n", [("RUN", "a  b", 3, 4)]),
    ("carriage returns", "FROM a\r\nRUN b \\\r\n c\r\n", [("FROM", "a", 1, 1), ("RUN", "b  c", 2, 3)]),
    ("a byte order mark", "\ufeffFROM a\n", [("FROM", "a", 1, 1)]),
    ("an empty file", "", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_instructions_and_their_lines(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    found = [(each.keyword, each.arguments, each.first_line, each.last_line) for each in parse(text).instructions]
    assert found == expected


HEREDOCS = [
    ("plain", "RUN <<EOF\na\nb\nEOF\nRUN c\n", [Heredoc("EOF", "a\nb")]),
    ("quoted", "RUN <<'EOF'\nFROM $x\nEOF\n", [Heredoc("EOF", "FROM $x")]),
    ("tabs taken off", "RUN <<-EOF\n\ta\n\tEOF\n", [Heredoc("EOF", "a")]),
    ("two", "RUN cat <<A 3<<B\n1\nA\n2\nB\n", [Heredoc("A", "1"), Heredoc("B", "2")]),
    ("into a file", "COPY <<robots.txt /x\nhi\nrobots.txt\n", [Heredoc("robots.txt", "hi")]),
    ("not a here-string", "RUN cat <<<EOF\n", []),
    ("not a shift", "RUN echo $((1<<2))\n", []),
    ("not within quotes", 'RUN echo "<<EOF"\n', []),
    ("not for other instructions", "LABEL a=<<EOF\n", []),
    ("comments in it are text", "RUN <<EOF\n# a\n\nEOF\n", [Heredoc("EOF", "# a\n")]),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in HEREDOCS], ids=[case[0] for case in HEREDOCS])
def test_here_documents(text: str, expected: list[Heredoc]) -> None:
    assert list(parse(text).instructions[0].heredocs) == expected


BROKEN = [
    ("RUN <<EOF\na\n", "1: the here-document <<EOF never ends"),
    ("# escape=x\nFROM a\n", '1: the escape directive must be "\\" or "`", not "x"'),
    ("FROM a\nRUN b \\\n", "2: the last line says that it goes on, and does not"),
    ("FROM a\nRUN b \\\n# comment\n", "2: the last line says that it goes on, and does not"),
    ("FROM a\n&& b\n", '2: "&&" is not an instruction'),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_cannot_be_read_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert str(caught.value) == message
    assert caught.value.hint


def test_an_error_names_the_file() -> None:
    told = DockerfileError(3, "what", "hint").told("agents/dev/Dockerfile")
    assert (told.code, told.message, told.hint) == (Code.CONFIG, "agents/dev/Dockerfile:3: what", "hint")


def test_flags_and_operands() -> None:
    (copy,) = parse("COPY --from=a --chmod=755 x 'y z' /t\n").instructions
    assert copy.flags == {"from": "a", "chmod": "755"}
    assert copy.operands == ("x", "'y z'", "/t")


@given(st.text(max_size=200))
def test_words_lose_nothing_but_blanks(text: str) -> None:
    assert [character for character in text if not character.isspace()] == [
        character for word in split_words(text) for character in word if not character.isspace()
    ]


LINES = st.sampled_from(
    [
        "FROM freehold-agent:latest",
        "FROM al-agent AS tools",
        "FROM --platform=linux/amd64 \\",
        "FROM golang:1 AS build",
        "  freehold-agent:abc",
        "RUN a && \\",
        "    b",
        "# comment",
        "",
        "RUN <<EOF",
        "EOF",
        "USER root",
        "COPY a b",
        "ARG X=1",
    ]
)


@given(st.lists(LINES, max_size=12))
def test_another_base_changes_the_from_lines_and_nothing_else(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        before = parse(text)
        found = stages(before, "x")
    except DockerfileError:
        return  # not a Dockerfile
    after = parse(with_base(before, found, "freehold-agent:new", ("USER node",)))
    assert after.instructions[-1].keyword == "USER"
    assert after.instructions[-1].first_line == len(before.lines) + 1
    # Docker's messages name lines: an instruction stays where the user wrote it.
    assert [each.first_line for each in before.instructions] == [each.first_line for each in after.instructions[:-1]]
    for old, new in zip(before.instructions, after.instructions[:-1], strict=True):
        if old.keyword == "FROM" and ("freehold-agent" in old.arguments or "al-agent" in old.arguments):
            assert "freehold-agent:new" in new.operands
            assert (old.flags, old.operands[1:]) == (new.flags, new.operands[1:])
        else:
            assert old == new
