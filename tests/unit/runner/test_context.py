"""Marks in a skill, and what takes their place."""

import pytest

from freehold.runner.context import commands_in, put_in


@pytest.mark.parametrize(
    ("skill", "commands"),
    [
        ("no marks, `code` and ! alone", []),
        ("a !`one` b !`two | three` c", ["one", "two | three"]),
        ("!` padded `", ["padded"]),
        ("!``", []),
        ("not over !`two\nlines`", []),
        ("!`a`!`b`", ["a", "b"]),
    ],
)
def test_commands_in(skill: str, commands: list[str]) -> None:
    assert commands_in(skill) == commands


@pytest.mark.parametrize(
    ("skill", "outputs", "text"),
    [
        ("a !`one` b !`two` c", ["1", "2"], "a 1 b 2 c"),
        ("!`x`", ["a \\1 \\g<0> !`y`"], "a \\1 \\g<0> !`y`"),
        ("plain", [], "plain"),
    ],
)
def test_put_in(skill: str, outputs: list[str], text: str) -> None:
    assert put_in(skill, outputs) == text
