"""The one place where commands speak: nothing that is said drives the reader's terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.cli.output import json_line, note, paint, print_error, print_json, say, table, warn
from freehold.wire import events as wire
from tests.support.hostile import EVENT_TYPES, drives_the_terminal, event_of, hostile_texts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile_texts)
@example("\ud800")
def test_nothing_that_is_said_drives_the_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text, paint(text, fg="red"))
    note(text)
    warn(text)
    table(["a", "b"], [[text, "x"], ["y", text]])
    print_json({text: text})
    print_error(FreeholdError(Code.FAILED, text, text), as_json=False)
    print_error(FreeholdError(Code.FAILED, text, text), as_json=True)
    printed = capsys.readouterr()
    assert drives_the_terminal(printed.out + printed.err) == ""


def test_colours_are_ours_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    say(paint("\x1b[8mok", fg="green"), "\x1b[8m hidden")
    assert capsys.readouterr().out == "\x1b[32m[8mok\x1b[0m[8m hidden\n"


def test_a_cell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table(["run", "state"], [["a", "running (x\nb  completed)"]])
    assert capsys.readouterr().out == "RUN  STATE\na    running (x ⏎ b  completed)\n"


def test_further_lines_of_an_error_stand_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(FreeholdError(Code.FAILED, "one\nerror: two\n  three", "four\r\nfive"), as_json=False)
    warn("one\nwarning: two")
    assert capsys.readouterr().err.splitlines() == [
        "error: one", "  error: two", "  three", "  four", "  five", "warning: one", "  warning: two",
    ]  # fmt: skip


@given(st.sampled_from(EVENT_TYPES), hostile_texts)
def test_json_stays_json_and_is_escaped(kind: type[wire.Event], text: str) -> None:
    encoded = wire.encode(event_of(kind, text.encode("utf-8", "ignore").decode()))
    line = json_line(encoded)
    assert line.isprintable()
    assert json.loads(line) == json.loads(encoded)


def test_a_name_that_is_no_text_is_json_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": Path(b"/tmp/\xff".decode("utf-8", "surrogateescape"))})
    assert capsys.readouterr().out == '{"path":"/tmp/\\udcff"}\n'


def test_what_terminals_obey_beyond_ascii_is_escaped() -> None:
    assert json_line('"\x9b\u202e\u2028\x7fü🐙\U000e0001"\n'.encode()) == (
        '"\\u009b\\u202e\\u2028\\u007fü🐙\\udb40\\udc01"'
    )
