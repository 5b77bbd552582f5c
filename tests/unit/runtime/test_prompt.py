"""The prompt's blocks: tags as agents of Action Llama know them, content by trigger."""

from __future__ import annotations

import re
from typing import Any

import pytest

from freehold.runtime.prompt import PromptFacts, build_prompt
from freehold.wire.runs import Trigger, TriggerType


def prompt(trigger: Trigger | None = None, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "params": {"team": "core"}, "trigger": trigger or Trigger(), "credentials": {"github_token": ("GITHUB_TOKEN",)},
        "network": "allowlist", "hosts": ("github.com",), "working_dir": "/tmp", "workspace_dir": "/workspace",
        "credentials_dir": "/credentials", "read_only_root": True,
    }  # fmt: skip
    return build_prompt(PromptFacts(**{**facts, **changes}))


def tags(text: str) -> list[str]:
    return re.findall(r"^<([a-z-]+)>$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("trigger", "tag", "words"),
    [
        (Trigger(), None, "started by hand"),
        (Trigger(TriggerType.SCHEDULE), None, "on a schedule"),
        (Trigger(TriggerType.MANUAL, prompt="Fix <b> & co"), "user-prompt", "Fix <b> & co"),
        (Trigger(TriggerType.WEBHOOK, context={"event": "issues"}), "webhook-trigger", '"event": "issues"'),
        (Trigger(TriggerType.CALL, source="ops", prompt="look"), "agent-call", '"caller": "ops"'),
    ],
)
def test_each_trigger_has_its_own_task(trigger: Trigger, tag: str | None, words: str) -> None:
    text = prompt(trigger)
    assert words in text
    assert tags(text) == ["agent-config", "credential-context", "environment", *([tag] if tag else [])]


def test_params_are_json_and_credentials_are_named_not_shown() -> None:
    text = prompt()
    assert '"team": "core"' in text
    assert "github_token: GITHUB_TOKEN" in text
    assert "fh shutdown" in text


def test_locks_and_calls_are_explained_only_where_a_scheduler_answers() -> None:
    assert "fh lock" not in prompt()
    with_scheduler = prompt(scheduler=True, other_agents={"ops": "Runs things."})
    assert tags(with_scheduler)[3:] == ["skill-lock", "skill-subagent"]
    assert "ops: Runs things." in with_scheduler


@pytest.mark.parametrize(
    ("network", "words"), [("open", "is open"), ("none", "no network"), ("allowlist", "github.com")]
)
def test_the_network_is_said_as_it_is(network: str, words: str) -> None:
    assert words in prompt(network=network)
