"""The command: its help, its global options, its one error printer."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from freehold.cli.main import COMMANDS, run

HEAVY = ("aiohttp", "aiodocker", "asyncio", "rich", "pydantic", "ruamel", "freehold.keeper", "freehold.runtime")


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = "import sys; from freehold.cli.main import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stderr
    assert "Usage: freehold" in done.stdout
    assert [name for name in HEAVY if f"'{name}'" in imported] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_listed_command_is_there_and_says_what_it_does(name: str) -> None:
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


def test_an_unknown_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rnus"]) == 2
    assert 'did you mean "runs"?' in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-p", "{}", "runs"], ["runs", "-p", "{}"], ["--json", "runs", "-p", "{}"]])
def test_global_options_stand_before_and_after_the_command(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word.format(tmp_path) for word in words]) == 0
    assert ("No runs yet" in capsys.readouterr().out) == ("--json" not in words)


def test_an_error_is_a_sentence_with_a_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "nobody", "-p", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["error: this project has no runs yet", "  Start one: freehold run AGENT"]


def test_an_error_in_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "nobody", "--json", "-p", str(tmp_path)]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error == {
        "code": "not_found",
        "message": "this project has no runs yet",
        "hint": "Start one: freehold run AGENT",
    }


def test_a_defect_of_ours_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @click.option("--debug", is_flag=True)
    def broken(debug: bool) -> None:
        raise ZeroDivisionError("oops")

    assert run([], broken) == 1
    quiet = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in quiet
    assert "Traceback" not in quiet
    assert run(["--debug"], broken) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_leaves_gets_no_traceback() -> None:
    program = Path(sys.executable).parent / "freehold"
    done = subprocess.run(f"{program} --help | head -c 1", shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "U"
    assert done.stderr == ""
