"""What `doctor` looks at: each check gives findings, and knows how to repair what it can."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.keeper.readiness import missing_credentials
from freehold.project.agent import Agent
from freehold.project.load import Project, Report, check
from freehold.store.credentials import FileCredentialStore

LEAST_FREE_BYTES = 2 * 1024**3
"""An image build and a workspace want this much; below it, runs begin to fail in the middle."""


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Fix:
    """A repair: `offer` says what it does, as the start of a question."""

    offer: str
    apply: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `code` says what kind of error it is."""

    level: Level
    subject: str
    message: str
    hint: str = ""
    code: Code = Code.FAILED
    fix: Fix | None = None

    def as_dict(self) -> dict[str, str | bool]:
        return {
            "level": self.level,
            "subject": self.subject,
            "message": self.message,
            "hint": self.hint,
            "fixable": self.fix is not None,
        }


@dataclass(frozen=True)
class Checkup:
    findings: list[Finding]


async def check_everything(context: Context) -> Checkup:
    """Look at project, credentials, engines and disk. A project that cannot be read leaves the machine's checks."""
    report = _read(context)
    findings = list(_project(report)) if isinstance(report, Report) else [_as_finding("project", report)]
    project = report.project if isinstance(report, Report) else None
    if project:
        findings += _credentials(context, project)
    findings += _credential_files(context)
    findings += await _engines(context, project)
    findings += _disk(context)
    return Checkup(findings)


def _read(context: Context) -> Report | FreeholdError:
    try:
        return check(context.project_dir, home=context.home, environment=context.environment)
    except FreeholdError as error:
        return error


def _project(report: Report) -> Iterator[Finding]:
    for problem in report.problems.errors:
        yield Finding(Level.ERROR, "project", str(problem), code=Code.CONFIG)
    for problem in report.problems.warnings:
        yield Finding(Level.WARNING, "project", str(problem))
    if report.project and not report.problems.errors:
        agents = ", ".join(report.project.agent_names) or "none yet; make one with: freehold agent new"
        yield Finding(Level.OK, "project", f"{report.project.name}, agents: {agents}")
        yield from _openness(report.project)


def _openness(project: Project) -> Iterator[Finding]:
    for agent in project.agents.values():
        if agent.network == "open":
            yield Finding(
                Level.WARNING,
                f"agent {agent.name}",
                'network = "open": it can send what it reads anywhere; only cloud metadata is kept from it',
                'Leave the key out for the allow-list, and add hosts with egress = ["…"].',
            )


def _credentials(context: Context, project: Project) -> Iterator[Finding]:
    store = FileCredentialStore(context.home)
    for agent in project.agents.values():
        missing = missing_credentials(store, _wanted(agent))
        if missing:
            commands = dict.fromkeys(f"freehold creds add {name.partition('.')[0]}" for name in missing)
            message = f"needs credentials that are not there: {', '.join(missing)}"
            yield Finding(Level.ERROR, f"agent {agent.name}", message, "\n".join(commands), Code.CREDENTIAL)
        else:
            yield Finding(Level.OK, f"agent {agent.name}", _holds(agent))


def _wanted(agent: Agent) -> list[CredentialRef]:
    mcp = [spec.credential.ref for spec in agent.mcp if spec.credential]
    return [*agent.credentials, *mcp, *(() if agent.script else agent.model_keys)]


def _holds(agent: Agent) -> str:
    held = ", ".join(str(ref) for ref in agent.credentials) or "no credentials"
    return f"{held}; models {', '.join(model.name for model in agent.models)}"


def _credential_files(context: Context) -> Iterator[Finding]:
    store = FileCredentialStore(context.home)
    exposures = store.exposures()
    if not exposures:
        return

    async def narrow() -> None:
        store.narrow()

    yield Finding(
        Level.ERROR,
        "credentials",
        f"other users of this machine can read {plural(len(exposures), 'file')}:\n"
        + "\n".join(str(exposure) for exposure in exposures[:5]),
        fix=Fix("Take their rights away", narrow),
    )


def _disk(context: Context) -> Iterator[Finding]:
    place = context.project_dir if context.project_dir.exists() else context.project_dir.parent
    free_bytes = shutil.disk_usage(place).free
    if free_bytes < LEAST_FREE_BYTES:
        message = f"{size(free_bytes)} free where {place} is; runs need about {size(LEAST_FREE_BYTES)}"
        yield Finding(Level.WARNING, "disk", message, "`freehold image prune` removes images that nobody needs.")


def _as_finding(subject: str, error: FreeholdError) -> Finding:
    return Finding(Level.ERROR, subject, error.message, error.hint, error.code)
