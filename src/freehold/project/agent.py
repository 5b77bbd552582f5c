"""An agent: everything that its SKILL.md and config.toml say, resolved against the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.project.budget import Budget
from freehold.project.credential import CredentialRef
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.egress import PACKAGE_REGISTRIES
from freehold.project.harnesses import HarnessChoice
from freehold.project.mcp import McpSpec
from freehold.project.models import ModelSpec
from freehold.project.notices import Routes
from freehold.project.problems import Problem
from freehold.project.triggering import Triggering
from freehold.project.webhooks import WebhookTrigger


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, ready to run. Sizes are bytes, times seconds; paths are absolute.

    `budget` holds for one run and for the agent's day: the smaller of its own and the project's limits; the project's
    `usd_per_day` and `usd_per_month` also bound all agents together. `cpus` is what is asked; an engine clamps it to
    the host. `credentials` never holds a model key. `egress` is what was written for the project and for it; see
    `allowed_hosts`. `calls` are the agents that it may call; None: all of them.
    """

    name: str
    directory: Path
    description: str
    skill_body: str
    models: tuple[ModelSpec, ...]
    credentials: tuple[CredentialRef, ...]
    harness: HarnessChoice
    engine: str
    network: str
    egress: tuple[str, ...]
    server_tools: tuple[str, ...]
    budget: Budget
    mcp: tuple[McpSpec, ...]
    permissions: str
    permission_deadline_s: int
    permission_default: str
    notices: Routes
    pre_hooks: tuple[str, ...]
    post_hooks: tuple[str, ...]
    injected_commands: tuple[str, ...]
    params: Mapping[str, Any]
    timeout_s: int
    memory_bytes: int
    cpus: float
    scale: int
    triggering: Triggering
    schedule: str
    timezone: str
    webhooks: tuple[WebhookTrigger, ...]
    run_as: str
    groups: tuple[str, ...]
    dockerfile: Path | None
    script: Path | None
    rehearsal: Path | None
    source: str
    calls: tuple[str, ...] | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host patterns that a run with `network = "allowlist"` may reach: registries, credentials' hosts, `egress`."""
        opened = (host for ref in self.credentials for host in CREDENTIAL_TYPES[ref.type].egress)
        return tuple(dict.fromkeys((*PACKAGE_REGISTRIES, *opened, *self.egress)))

    @property
    def holds_git_ssh(self) -> bool:
        """Whether port 22 is open to it (`docs/egress.md`)."""
        return any(ref.type == "git_ssh" for ref in self.credentials)

    @property
    def model_keys(self) -> tuple[CredentialRef, ...]:
        """The keys that the keeper's model gateway needs; they never enter the run."""
        return tuple(dict.fromkeys(model.key for model in self.models if model.key))

    @property
    def is_host_user(self) -> bool:
        return self.engine == "host-user"
