"""SIGKILL of the keeper in a chat: in the middle of a turn, between turns, and while nobody watches."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.wire.events import AnyEvent, Message, RunFinished, ToolStarted, TurnFinished, TurnStarted
from freehold.wire.runs import RunState
from tests.support.installation import Installation, finished, printed, until

pytestmark = pytest.mark.docker

REHEARSAL = """\
version: 1
turns:
  - {say: One., shell: "echo one >> /workspace/done; sleep 2; cat /workspace/done", expect: "^one$"}
  - say: First answer.
  - {shell: "echo two >> /workspace/done; cat /workspace/done", expect: "one\\ntwo"}
  - say: Second answer.
  - say: Third answer.
"""
SAID = ["first", "second", "third"]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.agent(rehearsal=REHEARSAL)
    yield installation
    installation.close()


def kill_keeper(here: Installation) -> None:
    pid = here.keeper_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def events(here: Installation) -> list[AnyEvent]:
    return [event for run_id in here.run_ids() for event in here.events(run_id)]


def count(here: Installation, kind: type[AnyEvent]) -> int:
    return sum(isinstance(event, kind) for event in events(here))


def say(chat: subprocess.Popen[str], text: str) -> None:
    assert chat.stdin is not None
    chat.stdin.write(f"{text}\n")
    chat.stdin.flush()


def check(told: list[AnyEvent]) -> None:
    """Every message once, every answer once, each in its place."""
    assert finished(told).error is None
    assert finished(told).result == "completed"
    story = [
        (event.turn, event.text) if isinstance(event, TurnStarted) else (event.turn, event.stop_reason)
        for event in told
        if isinstance(event, TurnStarted | TurnFinished)
    ]
    assert story == [
        (1, "first"), (1, "end_turn"), (2, "second"), (2, "end_turn"), (3, "third"), (3, "end_turn"),
    ]  # fmt: skip
    said = "".join(event.text for event in told if isinstance(event, Message))
    assert [said.count(text) for text in ("First answer.", "Second answer.", "Third answer.")] == [1, 1, 1]
    assert [event.seq for event in told] == list(range(1, len(told) + 1))


def test_in_the_middle_of_a_turn(here: Installation) -> None:
    chat = here.start("chat", "dev", "--json", stdin=subprocess.PIPE)
    say(chat, "first")
    until(lambda: count(here, ToolStarted) == 1)
    kill_keeper(here)
    out, err = chat.communicate("second\nthird\n", timeout=90)
    assert chat.returncode == 0, out + err
    check(printed(out))


def test_between_turns(here: Installation) -> None:
    chat = here.start("chat", "dev", "--json", stdin=subprocess.PIPE)
    for number, text in enumerate(SAID, 1):
        say(chat, text)
        until(lambda: count(here, TurnFinished) == number)  # noqa: B023  waited for within the same step
        kill_keeper(here)
    out, err = chat.communicate(timeout=90)
    assert chat.returncode == 0, out + err
    check(printed(out))


def test_a_turn_goes_on_while_nobody_is_there_and_the_next_command_shows_it_whole(here: Installation) -> None:
    chat = here.start("chat", "dev", "--json", stdin=subprocess.PIPE)
    say(chat, "first")
    until(lambda: count(here, ToolStarted) == 1)
    chat.kill()
    chat.communicate()
    kill_keeper(here)
    [run_id] = here.run_ids()
    inside = here.state / "runs" / run_id / "mount" / "events.jsonl"
    until(lambda: "tool.finished" in inside.read_text())  # its next request waits for a keeper
    again = here.start("chat", "--continue", run_id, "--json", stdin=subprocess.PIPE)
    out, err = again.communicate("second\nthird\n", timeout=90)
    assert again.returncode == 0, out + err
    check(printed(out))
    assert here.record(run_id).view.state is RunState.FINISHED
    late = here.freehold("chat", "--continue", run_id, code=1)
    assert "has ended" in late.stderr


def test_a_command_that_is_killed_leaves_a_chat_that_another_one_ends(here: Installation) -> None:
    chat = here.start("chat", "dev", "first", "--json", stdin=subprocess.PIPE)
    until(lambda: count(here, TurnFinished) == 1)
    chat.kill()
    chat.communicate()
    out, _ = here.start("chat", "--continue", "dev", "--json", stdin=subprocess.PIPE).communicate("second\nthird\n")
    check(printed(out))


def test_a_chat_that_is_killed_is_over(here: Installation) -> None:
    chat = here.start("chat", "dev", "first", "--json", stdin=subprocess.PIPE)
    until(lambda: count(here, ToolStarted) == 1)
    [run_id] = here.run_ids()
    here.freehold("kill", run_id)
    out, _ = chat.communicate(timeout=60)
    assert (chat.returncode, finished(printed(out)).result) == (1, "killed")
    assert count(here, RunFinished) == 1
