"""Each harness talks: several turns in one session, in its container and as another user of the machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from freehold.client.keeper import ask
from freehold.wire.keeper import InterruptTurn
from tests.support.folders import write_files
from tests.support.host_users import host_users
from tests.support.program import PROGRAM, freehold_in

REHEARSAL = """\
version: 1
turns:
  - say: I keep that.
    shell: echo blue > colour; id -u
    expect: "[0-9]+"
  - say: Kept.
  - shell: cat colour
    expect: blue
  - say: It is blue.
  - say: Goodbye.
"""
PROVIDERS = {
    "builtin": "openai",
    "claude-code": "anthropic",
    "codex": "openai",
    "opencode": "anthropic",
    "gemini": "google",
}
INTERRUPTED = """\
version: 1
turns:
  - {say: This takes long., shell: tail -f /dev/null}
  - say: Still here.
"""
SAID = ["My colour is blue.", "Which is my colour?", "Goodbye."]


def make(folder: Path, harness: str, rehearsal: str, runtime: str = "") -> None:
    write_files(
        folder / "shop",
        {
            "config.toml": f'[models.main]\nprovider = "{PROVIDERS[harness]}"\nmodel = "some-model-1"\n',
            "agents/dev/SKILL.md": "---\nname: dev\ndescription: Talks.\n---\nBe brief.\n",
            "agents/dev/config.toml": f'models = ["main"]\nharness = "{harness}"\nschedule = "0 9 * * 1"\n{runtime}',
            "agents/dev/rehearsal.yaml": rehearsal,
        },
    )


def talk(folder: Path, harness: str, runtime: str = "") -> list[dict[str, Any]]:
    """The events of a chat in which all of `SAID` is said through a pipe."""
    make(folder, harness, REHEARSAL, runtime)
    with freehold_in(folder / "shop", folder / "home") as freehold:
        done = freehold("chat", "dev", SAID[0], "--rehearse", "--json", stdin="\n".join(SAID[1:]))
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(events: list[dict[str, Any]]) -> None:
    finished = events[-1]
    assert finished["error"] is None
    assert (finished["result"], finished["trigger"]["type"]) == ("completed", "chat")
    assert [event["text"] for event in events if event["type"] == "turn.started"] == SAID
    ended = [(event["turn"], event["stop_reason"]) for event in events if event["type"] == "turn.finished"]
    assert ended == [(1, "end_turn"), (2, "end_turn"), (3, "end_turn")]
    second = [event["seq"] for event in events if event["type"].startswith("turn.") and event["turn"] == 2]
    said = "".join(
        event["text"] for event in events if event["type"] == "message" and second[0] < event["seq"] < second[1]
    )
    assert said.strip().endswith("It is blue.")


@pytest.mark.docker
@pytest.mark.xdist_group("images")
@pytest.mark.parametrize("harness", sorted(PROVIDERS))
def test_a_harness_answers_message_after_message(harness: str, tmp_path: Path) -> None:
    check(talk(tmp_path, harness))


@pytest.mark.docker
@pytest.mark.xdist_group("images")
@pytest.mark.parametrize("harness", sorted(PROVIDERS))
def test_a_harness_is_interrupted_and_goes_on(harness: str, tmp_path: Path) -> None:
    make(tmp_path, harness, INTERRUPTED)
    with freehold_in(tmp_path / "shop", tmp_path / "home") as freehold:
        chat = subprocess.Popen(
            [PROGRAM, "chat", "dev", "Wait.", "--rehearse", "--json"], cwd=freehold.project, env=freehold.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert chat.stdout is not None
        told: list[dict[str, Any]] = []
        for line in chat.stdout:
            told.append(json.loads(line))
            if told[-1]["type"] == "tool.started":
                break
        run = InterruptTurn(told[0]["run_id"])
        asyncio.run(ask(freehold.project, freehold.home, "run/interrupt", run, type(None)))
        rest, _ = chat.communicate("Are you there?\n", timeout=90)
    told += [json.loads(line) for line in rest.splitlines()]
    assert [event["stop_reason"] for event in told if event["type"] == "turn.finished"] == ["cancelled", "end_turn"]
    assert "Still here." in "".join(event["text"] for event in told if event["type"] == "message")
    assert (told[-1]["result"], told[-1]["error"]) == ("completed", None)


@pytest.mark.root
def test_a_chat_without_a_container(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    run_as = f"fht-{os.getpid() % 10000}"
    with host_users(run_as, 1):
        check(talk(tmp_path, "builtin", f'runtime = {{ type = "host-user", run_as = "{run_as}" }}\n'))
