"""docs/interfaces.md says what the code does: events, errors, methods, exit codes."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from freehold.base.errors import EXIT_CODES, HTTP_STATUSES, Code
from freehold.runner.fh import ALIASES, COMMANDS
from freehold.wire import events, keeper, places, runs, session
from freehold.wire.events import Event
from freehold.wire.exits import EXIT_OF_STATUS, EXIT_OTHER, EXIT_UNREACHABLE, EXIT_USAGE, EXIT_WAIT_TIMEOUT
from tests.support.pages import DOCS, Page

INTERFACES = Page(DOCS / "interfaces.md")
HEAD = set(Event.__struct_fields__)


def section(title: str) -> str:
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", INTERFACES.text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no section {title}"
    return match[1]


def row(text: str, first: str) -> str:
    """The table's row whose first cell names `first`."""
    found = [line for line in text.splitlines() if line.startswith("|") and f"`{first}`" in line.split("|")[1]]
    assert len(found) == 1, f"{len(found)} rows for {first}"
    return found[0]


@pytest.mark.parametrize("kind", get_args(events.AnyEvent), ids=lambda kind: kind.__struct_config__.tag)
def test_every_event_is_told_with_its_fields(kind: type[Event]) -> None:
    told = section("Events")
    tag = str(kind.__struct_config__.tag)
    if tag == "run.finished":
        told = told[told.index("`run.finished`: ") :]
        missing = [name for name in kind.__struct_fields__ if name not in HEAD and name not in told]
    else:
        line = row(told, tag)
        missing = [name for name in kind.__struct_fields__ if name not in {*HEAD, "container_seq"} and name not in line]
    assert missing == []


def test_phases_results_and_triggers_are_told() -> None:
    told = section("Events")
    for value in (*runs.Phase, *runs.Result, *runs.TriggerType):
        assert f"`{value}`" in told


def test_states_of_a_run_are_told() -> None:
    assert [state for state in runs.RunState if f"`{state}`" not in INTERFACES.text] == []


@pytest.mark.parametrize("code", Code)
def test_every_error_code_is_told(code: Code) -> None:
    cells = [cell.strip() for cell in row(section("Errors"), code).split("|")]
    assert cells[2:4] == [str(EXIT_CODES.get(code, 1)), str(HTTP_STATUSES.get(code, 500))]


def test_the_keepers_methods_are_told() -> None:
    methods = set(re.findall(r"`([a-z]+/[a-z]+)`", keeper.__doc__ or ""))
    assert "run/start" in methods
    told = section("The keeper's socket")
    assert sorted(method for method in methods if f"`{method}`" not in told) == []


def test_session_messages_are_told() -> None:
    kinds = (*get_args(session.FromRunner), *get_args(session.FromKeeper))
    told = section("Run directory and run API")
    for kind in kinds:
        fields = "".join(rf".*{name}" for name in kind.__struct_fields__)
        assert re.search(rf"`{kind.__struct_config__.tag}\s\{{{fields}\}}`", told, re.DOTALL), kind


def test_what_fh_can_is_told() -> None:
    told = section("fh")
    assert [name for name in COMMANDS if not re.search(rf"`{name}\b", told)] == []
    assert [name for name in ALIASES if f"`{name}`" not in told] == []
    codes = {*EXIT_OF_STATUS.values(), EXIT_OTHER, EXIT_UNREACHABLE, EXIT_USAGE, EXIT_WAIT_TIMEOUT}
    listed = {int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", told, re.MULTILINE) for number in cell.split(",")}
    assert listed == codes


def test_the_places_of_a_run_are_told() -> None:
    told = section("Run directory and run API")
    named = (places.RUN_DIRECTORY, places.RUN_SOCKET, places.EVENTS_FILE, places.BRIEF_FILE, places.PLACEHOLDER_KEY)
    assert [name for name in (*named, places.MODEL_PORT, places.EGRESS_PORT) if str(name) not in told] == []
