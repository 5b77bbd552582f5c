"""A rehearsal uses up its turns, checks what comes back, and tells what did not go as written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.models.answers.speech import Speech
from freehold.models.call import ModelCall, parse_call
from freehold.models.rehearsal import SHORT_ANSWER, Rehearsal
from freehold.models.rehearsal_file import parse_script
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat

ANTHROPIC = WireFormat.ANTHROPIC_MESSAGES
TOOLS = [
    {"name": "Bash", "input_schema": {"properties": {"command": {}}}},
    {"name": "Write", "input_schema": {"properties": {"file_path": {}, "content": {}}}},
]
SCRIPT = """
version: 1
turns:
  - {say: Looking., shell: git log, expect: "feat|fix"}
  - write: {path: NOTES.md, content: text}
  - say: Done.
"""


def rehearsal(script: str = SCRIPT) -> Rehearsal:
    return Rehearsal(parse_script(script, "rehearsal.yaml"))


class Talk:
    """A harness's side of the conversation."""

    def __init__(self, played: Rehearsal) -> None:
        self.played = played
        self.messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]

    def call(self, **extra: Any) -> ModelCall:
        body = {"model": "m", "tools": TOOLS, "messages": self.messages, **extra}
        return parse_call(Route(ANTHROPIC, Operation.GENERATE), json.dumps(body).encode())

    def ask(self, **extra: Any) -> Speech:
        return self.played.answer(self.call(**extra))

    def take(self, speech: Speech, result: str = "", *, failed: bool = False) -> None:
        """The harness does what was said, and keeps it in its history."""
        self.messages.append({"role": "assistant", "content": speech.text})
        if speech.call:
            block = {"type": "tool_result", "tool_use_id": speech.call.id, "content": result, "is_error": failed}
            self.messages.append({"role": "user", "content": [block]})


def test_a_run_as_written_has_no_problems() -> None:
    talk = Talk(rehearsal())
    for result in ("fix: a\nfeat: b", "written", ""):
        talk.take(talk.ask(), result)
    assert talk.played.problems() == []


def test_the_same_request_gets_the_same_turn_streaming_or_not() -> None:
    talk = Talk(rehearsal())
    first = talk.ask()
    assert talk.ask() == first
    streamed = talk.ask(stream=True)
    assert (streamed.text, streamed.call) == (first.text, first.call)
    talk.take(first, "feat")
    assert talk.ask() != first


def test_requests_without_tools_use_up_nothing() -> None:
    talk = Talk(rehearsal())
    assert talk.ask(tools=[]).text == SHORT_ANSWER
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    titled = talk.ask(tools=[], output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(titled.text) == {"title": "rehearsed"}
    assert talk.ask().text == "Looking."


def test_turns_left_over_are_a_problem() -> None:
    talk = Talk(rehearsal())
    talk.take(talk.ask(), "feat")
    talk.take(talk.ask(), "written")
    assert talk.played.problems() == ["1 turn left over, the first of them: Done."]
    nothing = rehearsal().problems()
    assert nothing == ["3 turns left over, the first of them: git log"]


def test_an_unmet_expectation_is_a_problem_and_shows_what_came() -> None:
    talk = Talk(rehearsal())
    talk.take(talk.ask(), "docs: only this")
    for result in ("written", ""):
        talk.take(talk.ask(), result)
    assert talk.played.problems() == ["turn 1: its tool did not return /feat|fix/, but: docs: only this"]


def test_a_result_that_never_comes_back_is_a_problem() -> None:
    talk = Talk(rehearsal('version: 1\nturns: [{shell: ls, expect: "x"}]'))
    talk.ask()
    assert talk.played.problems() == ["turn 1: what its tool returned never came back"]


def test_one_request_too_many_is_refused_and_a_problem() -> None:
    talk = Talk(rehearsal("version: 1\nturns: [{say: Done.}]"))
    talk.take(talk.ask())
    talk.messages.append({"role": "user", "content": "and now?"})
    with pytest.raises(FreeholdError, match="asked once more after the last turn") as failure:
        talk.ask()
    assert failure.value.code is Code.REHEARSAL
    assert len(talk.played.problems()) == 1


def test_a_refused_write_is_done_by_the_shell_without_using_up_a_turn() -> None:
    """Claude Code answers so when the file exists and was not read before."""
    talk = Talk(rehearsal("version: 1\nturns: [{write: {path: a, content: b}, expect: ok}, {say: Done.}]"))
    written = talk.ask()
    assert written.call is not None
    assert written.call.name == "Write"
    talk.take(written, "File has not been read yet.", failed=True)
    again = talk.ask()
    assert again.call is not None
    assert again.call.name == "Bash"
    talk.take(again, "ok")
    assert talk.ask().text == "Done."
    assert talk.played.problems() == []


def test_an_unknown_set_of_tools_is_a_problem_too() -> None:
    talk = Talk(rehearsal())
    with pytest.raises(FreeholdError, match="it offers: think"):
        talk.ask(tools=[{"name": "think"}])
    assert talk.played.problems()[0].startswith("turn 1: the harness offers no tool")
    assert talk.ask().text == "Looking."


def test_another_process_goes_on_where_this_one_was(tmp_path: Path) -> None:
    """As after the keeper's death: every request is played by a rehearsal that knows only the file."""
    script = parse_script(SCRIPT, "rehearsal.yaml")
    talk = Talk(Rehearsal(script, tmp_path / "progress.json"))

    def heir() -> Rehearsal:
        talk.played = Rehearsal(script, tmp_path / "progress.json")
        return talk.played

    first = talk.ask()
    heir()
    assert talk.ask() == first  # the harness tries its cut request again
    for result in ("no such thing", "written", ""):
        talk.take(talk.ask(), result)
        heir()
    assert heir().problems() == ["turn 1: its tool did not return /feat|fix/, but: no such thing"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "how far the rehearsal came"),
        (b"{", "how far the rehearsal came"),
        (b'{"next_turn": "x"}', "how far the rehearsal came"),
        (b'{"next_turn": 4}', "edited while it was played"),
    ],
)
def test_progress_that_cannot_be_read_is_an_error(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "progress.json").write_bytes(data)
    with pytest.raises(FreeholdError, match=words):
        Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"), tmp_path / "progress.json")


def test_usage_is_plausible() -> None:
    speech = Talk(rehearsal()).ask()
    assert speech.tokens.input > 20
    assert 0 < speech.tokens.output < 20


def test_an_expression_that_takes_for_ever_is_a_problem_of_its_own() -> None:
    talk = Talk(rehearsal('version: 1\nturns: [{shell: ls, expect: "^(a+)+$"}, {say: Done.}]'))
    talk.take(talk.ask(), "a" * 64 + "!")
    assert talk.ask().text == "Done."
    [problem] = talk.played.problems()
    assert problem.startswith("turn 1: /^(a+)+$/ takes too long")
