"""Whole commands, where a run, an agent's author or a configuration says what would drive a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freehold.base.ids import new_run_id
from freehold.keeper.record import Record, RecordFile, Step
from freehold.wire import events as wire
from freehold.wire.runs import Result, RunError, RunState, RunView, StartRun, Trigger
from tests.support.command import Answer, freehold
from tests.support.folders import SKILL, one_agent, write_files
from tests.support.hostile import EVENT_TYPES, NASTY, NASTY_LINES, drives_the_terminal, event_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a finished run that said everything it should not."""
    folder = write_files(tmp_path / "project", one_agent("models = ['sonnet']\n"))
    run_id = new_run_id("dev")
    run = folder / ".freehold" / "runs" / run_id
    run.mkdir(parents=True)
    events = [event_of(kind, NASTY_LINES) for kind in EVENT_TYPES]
    (run / "events.jsonl").write_bytes(b"".join(map(wire.encode, events)))
    view = RunView(
        run_id=run_id, agent="dev", attempt=1, trigger=Trigger(source=NASTY_LINES), state=RunState.FINISHED,
        queued_at="2026-11-21T00:00:00.000Z", finished_at="2026-11-21T00:00:01.000Z", result=Result.ERROR,
        status_text=NASTY_LINES, error=RunError(NASTY, NASTY_LINES, NASTY_LINES), return_value=NASTY_LINES,
    )  # fmt: skip
    record = Record(view=view, start=StartRun(run_id, "dev"), step=Step.CLEANED)
    RecordFile(run / "run.json", record).save()
    return folder


def harmless(answer: Answer) -> Answer:
    assert drives_the_terminal(answer.everything) == ""
    return answer


@pytest.mark.parametrize("words", [["logs", "dev"], ["logs", "--verbose", "dev"], ["runs"]])
def test_what_a_run_said(project: Path, home: Path, words: list[str]) -> None:
    answer = harmless(freehold(*words, home=home, project=project))
    assert answer.code == 0
    assert "gnp.exe" in answer.out
    harmless(freehold(*words, "--debug", home=home, project=project))


@pytest.mark.parametrize("words", [["logs", "dev"], ["runs"]])
def test_what_a_run_said_as_json(project: Path, home: Path, words: list[str]) -> None:
    answer = harmless(freehold(*words, "--json", home=home, project=project))
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert len(lines) == (1 if words == ["runs"] else len(EVENT_TYPES))
    assert repr(NASTY)[1:-1] in str(lines)


def test_a_run_is_one_line_of_the_list(project: Path, home: Path) -> None:
    assert freehold("runs", home=home, project=project).out.count("\n") == 2


def test_what_an_agents_author_says(project: Path, home: Path) -> None:
    nasty = json.dumps(NASTY_LINES)  # YAML reads what JSON writes
    write_files(project, {
        "agents/dev/SKILL.md": f"---\nname: dev\ndescription: {nasty}\n---\nDo.\n",
        "agents/bad/SKILL.md": SKILL, "agents/bad/config.toml": f"models = [{nasty}]\n{nasty} = 1\n",
    })  # fmt: skip
    for words in (["agent", "list"], ["agent", "show", "dev"], ["agent", "show", "bad"], ["creds", "check"]):
        harmless(freehold(*words, "--no-input", home=home, project=project))
        harmless(freehold(*words, "--no-input", "--json", home=home, project=project))
        harmless(freehold(*words, "--no-input", "--debug", home=home, project=project))
