"""The runner against harnesses that misbehave: each ends the run with a sentence that names what happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.wire.events import Log, Message, ToolFinished
from freehold.wire.exits import ExitCode
from tests.support.fake_keeper import FakeKeeper, script


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[FakeKeeper]:
    keeper = FakeKeeper(tmp_path)
    await keeper.open()
    yield keeper
    await keeper.close()


FAULTS = [
    ("crash", [], "harness crash ended by itself (exit code 1)", "RuntimeError: the harness broke"),
    ("early_exit", [], "harness early_exit ended by itself (exit code 127): command not found", "libmodel.so.3"),
    ("leaves", [], "harness leaves ended by itself (exit code 0)", ""),
    ("hang", [], "said and did nothing for 3.0 s, and is taken for hung", ""),
    ("hang", ["handshake"], "did not answer `initialize` within 3.0 s", ""),
    ("no_acp", [], "did not answer `initialize` within 3.0 s; it wrote to standard output: usage: tool", ""),
    ("flood_line", [], "wrote a message of more than 8.0 MB; it begins: {\"jsonrpc\"", ""),
    ("flood_updates", [], "floods the run with updates", ""),
    ("flood_tools", [], "has more than 1000 tool calls open", ""),
    ("no_acp", ["ends"], "ended by itself (exit code 2); it wrote to standard output: usage: tool", ""),
    ("endless_garbage", [], "wrote more than 1000 lines that are no messages; it wrote to standard output: not a", ""),
    ("closes_output", [], "closed its output and goes on running", ""),
    ("lies", ["version"], "speaks version 9 of the Agent Client Protocol; 1 is needed", ""),
    ("lies", ["shape"], "answered `initialize` with something else", ""),
    ("lies", ["session_shape"], "answered `session/new` with something else", ""),
    ("lies", ["refusal"], "the model refused to go on", ""),
    ("lies", ["max_tokens"], "the model reached its longest answer", ""),
    ("lies", ["max_turn_requests"], "reached its bound of requests", ""),
    ("lies", ["cancelled"], "cancelled its turn by itself", ""),
    ("lies", ["because"], "the turn stopped: because", ""),
    ("logs_in", ["oauth", "browser"], "asks for a login that a run cannot do (its methods: browser, oauth)", ""),
    ("refuses", ['{"code": -32603, "message": "Internal error", "data": {"details": "no model"}}'],
     "refused `session/prompt`: Internal error: no model", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message", "words"), FAULTS)
async def test_a_harness_that_misbehaves(
    keeper: FakeKeeper, name: str, arguments: list[str], message: str, words: str
) -> None:
    ended = await keeper.run(keeper.brief(script(name, *arguments), silence_timeout_s=3.0, post_hooks=["echo after"]))
    assert ended.exit_code == ExitCode.ERROR
    assert message in ended.error
    assert words in ended.error
    assert ended.conclusion.error is not None
    assert ended.conclusion.error.code == "harness"
    assert ended.conclusion.error.hint
    assert any(message in text for text in ended.texts(Log)), "the log says it too, should the keeper be away"
    assert [event.seq for event in ended.events] == list(range(1, len(ended.events) + 1))
    assert any(getattr(event, "hook", "") == "post 1" for event in ended.events) or name == "flood_updates"


async def test_a_harness_that_cannot_be_started(keeper: FakeKeeper) -> None:
    harness = script("crash")
    ended = await keeper.run(keeper.brief(type(harness)(name="ghost", command=["/nonexistent/agent"])))
    assert ended.exit_code == ExitCode.ERROR
    assert "harness ghost: cannot start /nonexistent/agent" in ended.error
    assert "No such file or directory" in ended.error


async def test_garbage_between_messages_ends_nothing(keeper: FakeKeeper) -> None:
    ended = await keeper.run(keeper.brief(script("garbage")))
    assert (ended.exit_code, ended.error) == (0, "")
    assert ended.texts(Message) == ["still here"]
    logs = "\n".join(ended.texts(Log))
    assert "wrote a line that is no message: DEBUG: starting" in logs
    assert "caf\N{REPLACEMENT CHARACTER}" in logs
    assert "sent an answer to a call that was not made" in logs
    assert "sent a call of fs/read_text_file, which is not offered" in logs


async def test_updates_of_another_session_are_not_ours(keeper: FakeKeeper) -> None:
    ended = await keeper.run(keeper.brief(script("lies", "other_session")))
    assert (ended.exit_code, ended.texts(Message)) == (0, ["from here"])
    assert any("a session that is not ours" in text for text in ended.texts(Log))


async def test_a_tool_that_never_ends_is_told_as_failed(keeper: FakeKeeper) -> None:
    ended = await keeper.run(keeper.brief(script("lies", "unfinished_tool")))
    assert ended.exit_code == 0
    finished = [event for event in ended.events if isinstance(event, ToolFinished)]
    assert [(event.status, event.output) for event in finished] == [("failed", "half of it")]


async def test_a_host_event_in_what_is_said_is_only_text(keeper: FakeKeeper) -> None:
    ended = await keeper.run(keeper.brief(script("lies", "host_event")))
    assert ended.exit_code == 0
    assert "run.finished" in "".join(ended.texts(Message)), "every line decoded as testimony, so it was quoted"


@pytest.mark.parametrize(
    ("data", "exit_code", "code"),
    [
        ('{"code":"budget","message":"the budget is spent","hint":"raise it"}', ExitCode.ERROR, "budget"),
        ('{"code":"rate_limited","message":"slow down","hint":""}', ExitCode.RATE_LIMITED, "rate_limited"),
        ('{"code":"credential","message":"no key","hint":""}', ExitCode.AUTHENTICATION, "credential"),
        ('{"code":"denied","message":"not your model","hint":""}', ExitCode.PERMISSION, "denied"),
        ('{"code":"no such code","message":"m"}', ExitCode.ERROR, "harness"),
    ],
)
async def test_the_gateways_words_reach_the_conclusion(
    keeper: FakeKeeper, data: str, exit_code: int, code: str
) -> None:
    refusal = f'{{"code": -32603, "message": "model failed", "data": {data}}}'
    ended = await keeper.run(keeper.brief(script("refuses", refusal)))
    assert ended.exit_code == exit_code
    assert ended.conclusion.error is not None
    assert ended.conclusion.error.code == code
