"""Each harness, from npm or our own, does a rehearsed piece of work in its container, with the default network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import write_files
from tests.support.program import freehold_in

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

REHEARSAL = """\
version: 1
turns:
  - say: Looking where I am.
    shell: id -u && pwd
    expect: "1000"
  - write: {path: NOTES.md, content: "written by the harness"}
  - shell: cat NOTES.md && cat NOTES.md | fh return
    expect: "written by the harness"
  - say: Done.
"""
PROVIDERS = {
    "builtin": "openai",
    "claude-code": "anthropic",
    "codex": "openai",
    "opencode": "anthropic",
    "gemini": "google",
}


@pytest.mark.parametrize("harness", sorted(PROVIDERS))
def test_a_rehearsed_run_completes(harness: str, tmp_path: Path) -> None:
    write_files(
        tmp_path / "shop",
        {
            "config.toml": f'[models.main]\nprovider = "{PROVIDERS[harness]}"\nmodel = "some-model-1"\n',
            "agents/dev/SKILL.md": "---\nname: dev\ndescription: Writes a note.\n---\nWrite a note.\n",
            "agents/dev/config.toml": f'models = ["main"]\nharness = "{harness}"\nschedule = "0 9 * * 1"\n',
            "agents/dev/rehearsal.yaml": REHEARSAL,
        },
    )
    with freehold_in(tmp_path / "shop", tmp_path / "home") as freehold:
        events = freehold.events("run", "dev", "--rehearse")
    finished = events[-1]
    assert finished["type"] == "run.finished"
    assert finished["error"] is None
    assert (finished["result"], finished["return_value"]) == ("completed", "written by the harness")
    assert finished["usage"]["requests"] >= 4
    tools = [event for event in events if event["type"] == "tool.finished"]
    assert len(tools) >= 3
    assert "Done." in "".join(event["text"] for event in events if event["type"] == "message")


def test_a_harness_of_ones_own_is_any_acp_program(tmp_path: Path) -> None:
    # The builtin harness again, but as a stranger's command: what counts is ACP on its standard streams.
    write_files(
        tmp_path / "shop",
        {
            "config.toml": '[models.main]\nprovider = "rehearsal"\n',
            "agents/dev/SKILL.md": "---\nname: dev\ndescription: Says hello.\n---\nSay hello.\n",
            "agents/dev/config.toml": 'models = ["main"]\nharness = { command = ["/app/bin/harness"] }\n',
            "agents/dev/rehearsal.yaml": "version: 1\nturns:\n  - say: Hello from outside.\n",
        },
    )
    with freehold_in(tmp_path / "shop", tmp_path / "home") as freehold:
        events = freehold.events("run", "dev")
    assert events[-1]["result"] == "completed", events[-1]
