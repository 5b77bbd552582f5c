"""Hints that are pasted ask the project that they were about."""

from __future__ import annotations

import pytest

from freehold.cli.main import run
from freehold.cli.pasted import environment_typed, for_environment


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("`freehold runs` lists them.", "`freehold runs -E prod` lists them."),
        ("Start one: freehold run AGENT", "Start one: freehold run -E prod AGENT"),
        ("`freehold queue dead` lists them", "`freehold queue -E prod dead` lists them"),
        ("`freehold pause`, and `freehold kill dev`", "`freehold pause -E prod`, and `freehold kill -E prod dev`"),
        ("`freehold env status` and `freehold env logs`", "`freehold env status prod` and `freehold env logs prod`"),
        ("`freehold env https` makes one", "`freehold env https prod HOSTNAME` makes one"),
        ("`freehold env https NAME HOSTNAME`", "`freehold env https prod HOSTNAME`"),
        ("keep it: freehold keys keep -E other", "keep it: freehold keys keep -E other"),
        ("`freehold push -E prod`; `freehold env status prod`", "`freehold push -E prod`; `freehold env status prod`"),
        ("`freehold doctor`, freehold runner, no freehold", "`freehold doctor`, freehold runner, no freehold"),
    ],
)
def test_commands_name_the_environment(said: str, typed: str) -> None:
    assert for_environment(said, "prod") == typed
    assert for_environment(typed, "prod") == typed, "once is enough"
    assert for_environment(said, "") == said
    assert for_environment("`freehold runs`", "\\1") == "`freehold runs -E \\1`"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["runs", "-E", "prod"], "prod"),
        (["--env", "prod", "runs"], "prod"),
        (["runs", "--env=prod"], "prod"),
        (["runs"], ""),
        (["runs", "-E"], ""),
        (["push", "-E", "a", "-E", "b"], ""),
    ],
)
def test_the_environment_of_a_command_line(words: list[str], name: str) -> None:
    assert environment_typed(words) == name


@pytest.mark.parametrize("words", [["runs", "dev"], ["queue", "dead"], ["keys", "list"], ["webhook", "receipts"]])
def test_what_is_pasted_is_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The environment stands right after the command, wherever its own words are."""
    assert run([words[0], "-E", "nowhere", *words[1:]]) == 1
    assert 'unknown environment "nowhere"' in capsys.readouterr().err
