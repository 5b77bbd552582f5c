"""`prompt.json`: everything the runner is told. It holds no secret."""

from __future__ import annotations

from typing import Any

import msgspec

from freehold.wire import places


class Harness(msgspec.Struct, frozen=True, omit_defaults=True):
    """The program that thinks: any ACP agent on its standard streams."""

    name: str
    command: list[str]
    env: dict[str, str] = {}
    auth_method: str = ""
    """The ACP authentication method to use when the agent asks for one; empty picks one that reads a variable."""


class StagedField(msgspec.Struct, frozen=True, omit_defaults=True):
    """One credential field: its file below `credentials_dir`, and the variables it is exported as."""

    path: str
    env: list[str] = []
    secret: bool = True
    """Secrets are blacked out in what the runner writes; names and addresses are not."""


class StagedCredential(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    instance: str
    fields: dict[str, StagedField]


class McpServer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An MCP server for the ACP session: `url` on the loopback (the keeper adds its credential), or a command."""

    name: str
    url: str = ""
    command: list[str] = []
    env: dict[str, str] = {}


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is to do.

    `skill` is the body of SKILL.md, its !`cmd` marks not yet replaced; `prompt` holds the blocks (`<agent-config>`, …).
    Times are seconds.
    """

    run_id: str
    agent: str
    attempt: int = 1
    harness: Harness
    skill: str
    prompt: str
    pre_hooks: list[str] = []
    post_hooks: list[str] = []
    script: str = ""
    """Path of `test-script.sh` when the agent has one: it runs instead of the session."""
    permissions: str = "allow"
    """`allow`, `deny` or `ask`; the keeper decides, the runner only asks."""
    network: str = "allowlist"
    credentials: list[StagedCredential] = []
    credentials_dir: str = places.CREDENTIALS_DIRECTORY
    agent_dir: str = places.AGENT_DIRECTORY
    shared_dir: str = places.SHARED_DIRECTORY
    workspace_dir: str = places.WORKSPACE_DIRECTORY
    working_dir: str = places.WORKING_DIRECTORY
    home_dir: str = places.HOME_DIRECTORY
    mcp_servers: list[McpServer] = []
    env: dict[str, str] = {}
    hook_timeout_s: float = 300.0
    context_timeout_s: float = 60.0
    silence_timeout_s: float = 600.0
    """A harness that says nothing for this long, while no tool of its runs, is taken for hung."""
    keep_open: bool = False
    """Chats: `prompt` goes before the person's first message. Each `Prompt` is a turn, until `Finish` or `Cancel`."""
    idle_shell: bool = False
    """`freehold shell`: set everything up, run nothing, wait."""
    params: dict[str, Any] = {}


def encode(brief: Brief) -> bytes:
    return msgspec.json.encode(brief)


def decode(data: bytes) -> Brief:
    return msgspec.json.decode(data, type=Brief)
