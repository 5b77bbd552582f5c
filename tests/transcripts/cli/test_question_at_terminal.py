"""A permission request at a real terminal: answered, taken back, interrupted, left."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.wire.events import AnyEvent, Log, PermissionAnswered, PermissionAsked
from freehold.wire.keeper import AnswerPermission, KillRun
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Result, StartRun
from tests.support.folders import one_agent, write_files
from tests.support.installation import until
from tests.support.program import PROGRAM, Freehold
from tests.support.scripted_keeper import ScriptedKeeper
from tests.support.terminal import Typist

OPTIONS = [
    PermissionOption(id="yes", name="Allow", kind="allow_once"),
    PermissionOption(id="ever", name="Always", kind="allow_always"),
    PermissionOption(id="no", name="Reject", kind="reject_once"),
]
PROMPT = "answer (1-3"
RUN = "dev-01kg0000000000000000000001"


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[ScriptedKeeper]:
    shop = write_files(tmp_path / "shop", one_agent())
    with ScriptedKeeper(shop).running() as running:
        yield running


def asked(permission_id: str = "p1", title: str = "git push") -> PermissionAsked:
    return PermissionAsked(permission_id=permission_id, title=title, options=OPTIONS)


def answered(permission_id: str, option_id: str, by: str) -> PermissionAnswered:
    return PermissionAnswered(permission_id=permission_id, option_id=option_id, by=by)


def typist(tmp_path: Path, *words: str) -> Typist:
    return Typist(words or ["run", "dev"], home=tmp_path / "home", folder=tmp_path / "shop")


def answers(keeper: ScriptedKeeper) -> list[tuple[str, str]]:
    return [(each.permission_id, each.option_id) for each in keeper.asked if isinstance(each, AnswerPermission)]


@pytest.mark.parametrize(("typed", "option"), [("3", "no"), ("allo", "yes"), ("ever", "ever"), ("n", "no")])
def test_an_answer_is_sent(tmp_path: Path, keeper: ScriptedKeeper, typed: str, option: str) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    person.type("what?\n")
    person.wait_for(PROMPT, times=2)
    person.type(f"{typed}\n")
    until(lambda: bool(answers(keeper)))
    keeper.send(answered("p1", option, "person"))
    keeper.finish()
    code, shown = person.end()
    assert (code, answers(keeper)) == (0, [("p1", option)])
    assert shown.count(PROMPT) == 2
    assert "none of them" in shown


def test_events_are_shown_while_a_question_stands_and_it_stands_again_below(
    tmp_path: Path, keeper: ScriptedKeeper
) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    keeper.send(Log(level="warning", text="meanwhile"))
    person.wait_for(PROMPT, times=2)
    assert person.shown.index(PROMPT) < person.shown.index("meanwhile")
    keeper.finish()
    assert person.end()[0] == 0


def test_what_the_deadline_answers_is_asked_no_more(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    person.type("1")  # and no newline yet: it must not answer the next one
    keeper.send(answered("p1", "no", "deadline"))
    person.wait_for("by deadline")
    keeper.send(asked("p2", "git pull"))
    person.wait_for(PROMPT, times=2)
    person.type("3\n")
    until(lambda: bool(answers(keeper)))
    keeper.finish()
    assert (person.end()[0], answers(keeper)) == (0, [("p2", "no")])


def test_a_run_that_ends_ends_the_question(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    keeper.finish(Result.KILLED)
    assert person.end()[0] == 1


def test_ctrl_c_takes_the_question_back_and_a_second_one_leaves(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    person.type("\x03")
    person.wait_for("stopping the run")
    until(lambda: any(isinstance(each, KillRun) for each in keeper.asked))
    person.type("\x03")
    code, shown = person.end()
    assert code == 130
    assert "freehold logs -f" in shown
    assert shown.count(PROMPT) == 1


def test_ctrl_d_leaves_the_answer_to_others(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    person = typist(tmp_path)
    keeper.send(asked())
    person.wait_for(PROMPT)
    person.type("\x04")
    person.wait_for("permission_default")
    keeper.send(answered("p1", "no", "deadline"))
    keeper.finish()
    assert (person.end()[0], answers(keeper)) == (0, [])


def test_what_a_policy_answered_is_not_asked(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    events: list[AnyEvent] = [asked(), answered("p1", "yes", "policy")]
    for event in events:
        keeper.send(event)
    keeper.send(asked("p2", "git pull"))
    person = typist(tmp_path)
    person.wait_for(PROMPT)
    assert "git push?" not in person.shown
    keeper.finish()
    assert person.end()[0] == 0


def test_without_a_terminal_it_says_where_an_answer_can_be_given(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    program = Freehold(tmp_path / "shop", tmp_path / "home")
    running = subprocess.Popen(
        [str(PROGRAM), "run", "dev"], cwd=program.project, env=program.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    keeper.send(asked())
    assert running.stderr is not None
    said = running.stderr.readline()
    keeper.finish()
    running.communicate(timeout=60)
    [started] = [each for each in keeper.asked if isinstance(each, StartRun)]
    assert f"freehold logs -f {started.run_id}" in said
    assert "permission_default" in said


def test_whoever_follows_the_run_elsewhere_can_answer(tmp_path: Path, keeper: ScriptedKeeper) -> None:
    write_files(tmp_path / "shop", {f".freehold/runs/{RUN}/run.json": "{}"})
    keeper.send(asked())
    person = typist(tmp_path, "logs", "-f", RUN)
    person.wait_for(PROMPT)
    person.type("1\n")
    until(lambda: bool(answers(keeper)))
    keeper.finish()
    assert person.end()[0] == 0


@pytest.mark.parametrize(("words", "attended"), [(["--no-input"], False), ([], True), (["--detach"], False)])
def test_a_person_who_wants_no_questions_attends_nothing(
    tmp_path: Path, keeper: ScriptedKeeper, words: list[str], attended: bool
) -> None:
    keeper.finish()
    person = typist(tmp_path, "run", "dev", *words)
    assert person.end()[0] == 0
    assert [each.options.interactive for each in keeper.asked] == [attended]
