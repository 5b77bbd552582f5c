"""Where things are inside a run: paths, ports and names that host and container agree on (`docs/interfaces.md`)."""

from __future__ import annotations

from typing import Final

RUN_DIRECTORY: Final = "/run/freehold"
RUN_DIRECTORY_VARIABLE: Final = "FREEHOLD_RUN_DIR"

RUN_SOCKET: Final = "run.sock"
EVENTS_FILE: Final = "events.jsonl"
BRIEF_FILE: Final = "prompt.json"

MODEL_PORT: Final = 7701
EGRESS_PORT: Final = 7702

AGENT_DIRECTORY: Final = "/app/agent"
"""The agent's own folder (SKILL.md, config.toml, …), read-only."""
SHARED_DIRECTORY: Final = "/app/static/shared"
"""The project's `shared/`, read-only, where Action Llama's agents look for it."""
CREDENTIALS_DIRECTORY: Final = "/credentials"
WORKSPACE_DIRECTORY: Final = "/workspace"
WORKING_DIRECTORY: Final = "/tmp"  # noqa: S108  the container's own tmpfs, where Action Llama's agents work
HOME_DIRECTORY: Final = "/home/node"
AGENT_UID: Final = 1000

BIN_DIRECTORY: Final = "/app/bin"
"""Our programs in every agent image: `runner`, `harness`, `fh` and its aliases; first in PATH."""
RUNNER_COMMAND: Final = ("/app/bin/runner",)
"""The entry point of every agent image; it takes no arguments and reads `prompt.json`."""

FH_ALIASES: Final = (
    "al-status", "al-rerun", "al-return", "al-exit", "al-shutdown", "al-subagent", "al-subagent-check",
    "al-subagent-wait", "rlock", "runlock", "rlock-heartbeat", "setenv",
)  # fmt: skip
"""Other names of the in-container program `fh`, those that Action Llama's agents call."""

PLACEHOLDER_KEY: Final = "kept-by-freehold"
"""What a harness is given instead of a provider's key; the real one never leaves the keeper."""

TEST_SCRIPT: Final = "test-script.sh"
