"""Whole rehearsals through the gateway, in every wire format; and a recorded run that is rehearsed again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.budget import Budgets
from freehold.models.fake_upstream import Behaviour
from freehold.models.heard import Heard
from freehold.models.policy import ModelPolicy
from freehold.models.record import Recorder
from freehold.models.rehearsal import Rehearsal
from freehold.models.rehearsal_file import parse_script
from freehold.models.tokens import Tokens
from freehold.project.budget import Budget
from freehold.project.wire_formats import WireFormat
from tests.support.models import Bench, Got, ask, gateway_bench, until

FORMATS = list(WireFormat)
ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
SCRIPT = """
version: 1
turns:
  - {say: Looking., shell: git log, expect: "^feat"}
  - {write: {path: NOTES.md, content: text}, expect: written}
  - say: Done.
"""


def heard(wire_format: WireFormat, got: Got, stream: bool) -> Heard:
    listener = Heard(wire_format)
    if stream:
        for payload in got.payloads:
            listener.take_event(payload)
    else:
        listener.take_body(got.body)
    return listener


def call_ids(wire_format: WireFormat, got: Got, stream: bool) -> list[str]:
    """The ids of the calls, as the format carries them."""
    text = " ".join(payload.decode() for payload in got.payloads) if stream else got.body.decode()
    ids = [word for word in text.replace('"', " ").split() if word.startswith("call_rehearsed_")]
    return list(dict.fromkeys(ids))


def result_of(wire_format: WireFormat, call_id: str, text: str) -> dict[str, Any]:
    """The next request's history: the result of a call."""
    if wire_format is ANTHROPIC:
        return {"messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call_id, "content": text}]}]}  # fmt: skip
    if wire_format is CHAT:
        return {"messages": [{"role": "tool", "tool_call_id": call_id, "content": text}]}
    if wire_format is RESPONSES:
        return {"input": [{"type": "function_call_output", "call_id": call_id, "output": text}]}
    part = {"functionResponse": {"id": call_id, "name": "x", "response": {"output": text}}}
    return {"contents": [{"role": "user", "parts": [part]}]}


async def play(bench: Bench, wire_format: WireFormat, results: list[str], *, stream: bool) -> list[Heard]:
    """Be a harness: ask, run the tool (`results` are what it returns), ask again."""
    answers: list[Heard] = []
    body: dict[str, Any] = {}
    for result in results:
        got = await ask(bench, wire_format, stream=stream, tools=True, model="main", body=body)
        assert got.status == 200, got.body
        answers.append(heard(wire_format, got, stream))
        ids = call_ids(wire_format, got, stream)
        body = result_of(wire_format, ids[0], result) if ids else {}
    return answers


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_rehearsal_from_beginning_to_end(tmp_path: Path, wire_format: WireFormat, stream: bool) -> None:
    played = Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"))
    async with gateway_bench(tmp_path, policy=ModelPolicy(()).rehearsal(), rehearsal=played) as bench:
        first, second, last = await play(
            bench, wire_format, ["chore: x\nfeat: y", "written", ""], stream=stream
        )  # fmt: skip
        assert (first.text, last.text, last.calls) == ("Looking.", "Done.", [])
        assert "git log" in json.dumps(first.calls[0].arguments)
        assert "NOTES.md" in json.dumps(second.calls[0].arguments)
        assert played.problems() == []
        await until(lambda: len(bench.facts) == 3)
        assert all(fact.cost_usd == 0.0 and fact.usage.input > 0 and fact.usage.turns == 1 for fact in bench.facts)
        assert bench.upstream.seen == []


async def test_a_mismatch_is_refused_in_the_harnesss_words(tmp_path: Path) -> None:
    played = Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"))
    async with gateway_bench(tmp_path, policy=ModelPolicy(()).rehearsal(), rehearsal=played) as bench:
        got = await ask(bench, ANTHROPIC, body={"tools": [{"name": "think"}, {"name": "browse"}]})
        assert (got.status, got.json["type"]) == (400, "error")
        assert "it offers: think, browse" in got.json["error"]["message"]
        assert len(played.problems()) == 2


async def test_a_rehearsal_costs_nothing_and_turns_still_count(tmp_path: Path) -> None:
    played = Rehearsal(parse_script(SCRIPT, "rehearsal.yaml"))
    budgets = Budgets(agent=Budget(usd_per_run=0.01, turns_per_run=1))
    async with gateway_bench(tmp_path, policy=ModelPolicy(()).rehearsal(), rehearsal=played, budgets=budgets) as bench:
        assert (await ask(bench, ANTHROPIC, tools=True)).status == 200
        assert (await ask(bench, ANTHROPIC, tools=True, text="again")).status == 400
        assert "turns_per_run" in bench.spent[0]


async def test_a_rehearsed_model_without_a_rehearsal_says_so(tmp_path: Path) -> None:
    async with gateway_bench(tmp_path, policy=ModelPolicy(()).rehearsal()) as bench:
        got = await ask(bench, CHAT, tools=True)
        assert (got.status, "rehearsal.yaml" in got.json["error"]["message"]) == (400, True)


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_recorded_run_replays_the_same_calls(tmp_path: Path, wire_format: WireFormat, stream: bool) -> None:
    calls = {
        ANTHROPIC: ("Bash", {"command": "git log --format='%s: %b'\necho done"}),
        CHAT: ("bash", {"command": "ls"}),
        RESPONSES: ("exec_command", {"cmd": "ls -la"}),
        GOOGLE: ("run_shell_command", {"command": "ls"}),
    }
    name, arguments = calls[wire_format]
    real = [
        Behaviour(speech=Speech("1", "m", ("Look", "ing."), SpokenCall("c1", name, arguments), Tokens(5, 5))),
        Behaviour(speech=Speech("2", "m", ("Done.",), tokens=Tokens(5, 5))),
    ]
    recorder = Recorder(tmp_path / "rehearsal.yaml")
    async with gateway_bench(tmp_path, wire_format=wire_format, behaviours=real, recorder=recorder) as bench:
        await ask(bench, wire_format, stream=stream, tools=True)
        await ask(bench, wire_format, stream=stream, tools=True, text="result")
        await until(lambda: len(bench.facts) == 2)
        recorded = [recorder.entries(), recorder.write()]
    assert recorded[1] == 2
    played = Rehearsal.load(tmp_path / "rehearsal.yaml")
    async with gateway_bench(tmp_path, policy=ModelPolicy(()).rehearsal(), rehearsal=played) as bench:
        first, last = await play(bench, wire_format, ["output", ""], stream=stream)
    asked = {key: value for key, value in first.calls[0].arguments.items() if key in arguments}
    assert (first.text, first.calls[0].name, asked, last.text) == ("Looking.", name, arguments, "Done.")
    assert played.problems() == []
