"""The command: its help, its global options, its one error printer."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from freehold.cli.default_group import DefaultGroup
from freehold.cli.main import COMMANDS, run
from freehold.cli.options import global_options

HEAVY = ("aiohttp", "aiodocker", "asyncio", "rich", "pydantic", "ruamel", "freehold.keeper", "freehold.runtime")


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = "import sys; from freehold.cli.main import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stderr
    assert "Usage: freehold" in done.stdout
    assert [name for name in HEAVY if f"'{name}'" in imported] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_listed_command_is_there_and_says_what_it_does(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), attribute or "command")
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
    (tmp_path / "agents").mkdir()
    assert run([word.format(tmp_path) for word in words]) == 0
    assert ("No runs yet" in capsys.readouterr().out) == ("--json" not in words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["runs", "-E", "local", "-E", "far"], 2),
        (["-E", "local", "-E", "far", "runs"], 2),
        (["runs", "-E", "local", "-E", "local"], 0),
        (["-E", "far", "runs", "-E", "local"], 0),
    ],
)
def test_of_several_environments_none_is_asked_for_all(
    words: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents").mkdir()
    assert run([*words, "-p", str(tmp_path)] if words[0] == "runs" else ["-p", str(tmp_path), *words]) == code
    assert ("freehold push -E local -E far" in capsys.readouterr().err) == (code == 2)


def test_an_error_is_a_sentence_with_a_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agents").mkdir()
    assert run(["logs", "-p", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["error: this project has no runs yet", "  Start one: freehold run AGENT"]


def test_an_error_in_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agents").mkdir()
    assert run(["logs", "--json", "-p", str(tmp_path)]) == 1
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


MISUSES = [
    (["run"], "Missing argument 'AGENT'.", "usage: freehold run [OPTIONS] AGENT [PROMPT]"),
    (["runs", "list", "--nonsense"], "No such option '--nonsense'.", "usage: freehold runs list [OPTIONS] [AGENT]"),
    (["agent", "dance"], "No such command 'dance'.", "usage: freehold agent [OPTIONS] COMMAND [ARGS]..."),
]


@pytest.mark.parametrize(("words", "message", "usage"), MISUSES)
def test_wrong_use_is_told_as_every_other_error(
    words: list[str], message: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = f"{usage.partition(' [')[0].removeprefix('usage: ')} --help says more"
    if words == ["agent", "dance"]:
        more = f"the commands are: add, disable, enable, list, new, scale, show, update\n{more}"
    assert run(words) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: {message}",
        f"  {usage}",
        *(f"  {line}" for line in more.split("\n")),
    ]
    assert run([*words, "--json"]) == 2
    told = json.loads(capsys.readouterr().err)["error"]
    assert told == {"code": "usage", "message": message, "hint": f"{usage}\n{more}"}


@pytest.mark.parametrize("name", ["agent", "creds", "image"])
def test_the_commands_of_a_group_are_listed_with_whole_sentences(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


def test_a_full_disk_under_the_output_is_no_defect() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", "from freehold.cli.main import main; main(['creds', 'types'])"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: what was to be written could not be: No space left on device", "  Make room, or write elsewhere.",
    ]  # fmt: skip


DEFAULTS = [
    ([], ["list"]),
    (["dev"], ["list", "dev"]),
    (["-n", "3"], ["list", "-n", "3"]),
    (["retry", "dev-1"], ["retry", "dev-1"]),
    (["list", "retry"], ["list", "retry"]),
    (["--json", "retry", "dev-1"], ["--json", "retry", "dev-1"]),
    (["-p", "retry", "dev"], ["list", "-p", "retry", "dev"]),
    (["--json"], ["list", "--json"]),
    (["--help"], ["--help"]),
    (["dev", "--help"], ["list", "dev", "--help"]),
]


@pytest.mark.parametrize(("words", "meant"), DEFAULTS)
def test_one_command_of_a_group_needs_no_name(words: list[str], meant: list[str]) -> None:
    group = DefaultGroup("runs", params=list(global_options()))
    for name in ("list", "retry"):
        group.add_command(click.Command(name))
    assert group.with_default(words) == meant
