"""What `doctor` looks at: each check gives findings, and knows how to repair what it can."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.cli.engine_checks import check_engines
from freehold.cli.finding import Finding, Fix, Level
from freehold.cli.price_checks import check_prices
from freehold.cli.workspace_checks import check_workspaces
from freehold.keeper.model_policy import allowed_hosts
from freehold.project.credential_checks import CHECKS
from freehold.project.load import Project, Report, check
from freehold.project.needs import needs_of_project, unmet
from freehold.project.providers import PROVIDERS
from freehold.store.credentials import FileCredentialStore

LEAST_FREE_BYTES = 2 * 1024**3
"""An image build and a workspace want this much; below it, runs begin to fail in the middle."""


async def check_everything(context: Context) -> list[Finding]:
    """Look at project, credentials, engines and disk. A project that cannot be read leaves the machine's checks."""
    report = _read(context)
    findings = list(_project(report)) if isinstance(report, Report) else [_as_finding("project", report)]
    project = report.project if isinstance(report, Report) else None
    if project:
        findings += _credentials(context, project)
        findings += _key_hosts(context, project)
        findings += check_prices(project, FileCredentialStore(context.home))
    findings += _credential_files(context)
    findings += await check_engines(context, project)
    if project:
        findings += await check_workspaces(context)
    findings += _disk(context)
    return findings


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


def _credentials(context: Context, project: Project) -> Iterator[Finding]:
    store = FileCredentialStore(context.home)
    needs = needs_of_project(project)
    missing = unmet(needs, lambda ref, field: bool(store.get(ref, field)))
    for one in missing:
        hint = f"freehold creds add {one.need.ref}"
        yield Finding(Level.ERROR, "credentials", str(one).partition(": freehold")[0], hint, Code.CREDENTIAL)
    if not missing:
        can_be_asked = any(need.ref.type in CHECKS for need in needs)
        more = "; `freehold creds check --live` asks whether it is accepted" if can_be_asked else ""
        yield Finding(Level.OK, "credentials", f"everything that the agents need is stored{more}")


def _key_hosts(context: Context, project: Project) -> Iterator[Finding]:
    """A key goes to hosts of its provider, and to others only where whoever owns it allowed that."""
    store = FileCredentialStore(context.home)
    agents = [agent for agent in project.agents.values() if agent.scale > 0 and not agent.script]
    for model in {model.name: model for agent in agents for model in agent.models}.values():
        if not model.key or model.host in PROVIDERS[model.provider].hosts | allowed_hosts(model, store):
            continue
        message = f"models.{model.name}.base_url: the {model.key} is not sent to {model.host}"
        hint = f"If that is what you want: freehold creds add {model.key} --field hosts={model.host}"
        yield Finding(Level.ERROR, "credentials", message, hint, Code.CREDENTIAL)


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
