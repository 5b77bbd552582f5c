from __future__ import annotations

import pytest

from freehold.project.problems import Problems
from freehold.project.skill import Skill, parse_skill


def parsed(text: str) -> tuple[Skill, list[str], list[str]]:
    problems = Problems()
    skill = parse_skill(text, "agents/dev/SKILL.md", problems)
    return skill, [str(problem) for problem in problems.errors], [str(problem) for problem in problems.warnings]


def test_frontmatter_and_body_are_told_apart() -> None:
    skill, errors, warnings = parsed("---\nname: dev\ndescription: x\n---\n\n# Title\n\n---\nrest\n")
    assert skill.frontmatter == {"name": "dev", "description": "x"}
    assert skill.body == "# Title\n\n---\nrest\n"
    assert (errors, warnings) == ([], [])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_both_kinds(end: str) -> None:
    skill, errors, _ = parsed(end.join(["---", "description: x", "---", "Body", ""]))
    assert skill.frontmatter == {"description": "x"}
    assert skill.body == f"Body{end}"
    assert errors == []


BROKEN = [
    ("---\nname: dev\n  models: [a]\n---\n", "line 3, column 9: mapping values are not allowed here"),
    ("---\ndescription: 'x\n---\n", "line 3, column 1: found unexpected end of stream"),
    ("---\na: 1\nb: [1, 2\n---\n", "line 4, column 1: expected ',' or ']', but got '<stream end>'"),
    ("---\na: x\n\tb: y\n---\n", "line 3, column 1: found character '\\t' that cannot start any token"),
    ("---\ntoken: canary-one\ntoken: canary-two\n---\n", "line 3, column 1: the same key is there twice"),
    ("---\na: *nowhere\n---\n", "line 2, column 4: found undefined alias 'nowhere'"),
    ("---\na: !!python/object:os.system x\n---\n", None),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_yaml_is_told_with_line_and_column(text: str, message: str | None) -> None:
    _, errors, _ = parsed(text)
    assert len(errors) == 1
    if message is not None:
        assert errors == [f"agents/dev/SKILL.md: {message}"]
    assert "canary" not in errors[0]


INSTRUCTIONS_ONLY = [
    ("Just do it.\n", "has no frontmatter; begin with a line `---`, `description: ...` and a line `---`"),
    ("---\nname: dev\n", "the frontmatter has no closing line `---`, so all of it is taken for instructions"),
    ("---\n- a\n- b\n---\nx", "the frontmatter is not a table of keys and values, so it is taken for instructions"),
]


@pytest.mark.parametrize(("text", "warning"), INSTRUCTIONS_ONLY)
def test_without_frontmatter_all_is_instructions(text: str, warning: str) -> None:
    skill, errors, warnings = parsed(text)
    assert skill == Skill(body=text)
    assert (errors, warnings) == ([], [f"agents/dev/SKILL.md: {warning}"])


def test_empty_frontmatter_is_empty() -> None:
    assert parsed("---\n---\nBody") == (Skill({}, "Body"), [], [])
    assert parsed("---\n# nothing yet\n---\nBody") == (Skill({}, "Body"), [], [])


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9))
ENDLESS = {
    "bomb": BOMB,
    "circle": "a: &a [*a]\n",
    "depth": "[" * 3000 + "\n",
    "merges": MERGES,
    "digits": f"a: {'9' * 9000}\n",
    "octal digits": f"a: 0o{'7' * 9000}\n",
    "length": "a: 1\n" * 20_000,
}


@pytest.mark.parametrize("yaml", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_refused(yaml: str) -> None:
    _, errors, _ = parsed(f"---\n{yaml}---\n")
    assert len(errors) == 1
    assert errors[0].startswith("agents/dev/SKILL.md: ")


def test_commands_to_inject_are_found_and_left_in_the_body() -> None:
    skill, _, _ = parsed("---\ndescription: x\n---\nNow: !`date -u` and !`ls *.py`, not `this`.\n")
    assert skill.injected_commands == ("date -u", "ls *.py")
    assert "!`date -u`" in skill.body
