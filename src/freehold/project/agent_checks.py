"""Checks of an agent as a whole: keys that are right one by one and wrong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.base.words import one_of
from freehold.project.agent import Agent
from freehold.project.config import ProjectConfig
from freehold.project.dockerfiles.rules import check
from freehold.project.dockerfiles.stages import is_bare
from freehold.project.dockerfiles.syntax import DockerfileError, parse
from freehold.project.notices import NoticeKind
from freehold.project.problems import Problems
from freehold.project.toml import read_text


@dataclass(frozen=True)
class AgentInProject:
    """An agent among its surroundings. `table` is what its files say, as written; `label` is how messages call it."""

    agent: Agent
    config: ProjectConfig
    project_dockerfile: Path | None
    table: Mapping[str, Any]
    label: str


def check_agent(it: AgentInProject, problems: Problems) -> None:
    """Report what does not go together."""
    _check_harness(it, problems)
    _check_rehearsal(it, problems)
    _check_scale(it, problems)
    _check_network(it, problems)
    _check_permissions(it, problems)
    if it.agent.is_host_user:
        _check_host_user(it, problems)
    else:
        _check_images(it, problems)


def check_dockerfile(text: str, name: str, own_base: str, problems: Problems) -> bool:
    """Report everything that is known to fail when it is built; whether it says more than FROM."""
    try:
        dockerfile = parse(text)
    except DockerfileError as error:
        _report(error, name, problems)
        return True
    for found in check(dockerfile, own_base):
        _report(found, name, problems)
    return not is_bare(dockerfile)


def _report(error: DockerfileError, name: str, problems: Problems) -> None:
    hint = error.hint[:1].lower() + error.hint[1:]
    problems.error(name, f"line {error.line}", f"{error.what}; {hint}")


def _check_harness(it: AgentInProject, problems: Problems) -> None:
    harness, models = it.agent.harness, it.agent.models
    silent = [model for model in models if not model.wire_formats & harness.wire_formats]
    for model in silent:
        message = (
            f'harness "{harness.name}" speaks {one_of(harness.wire_formats)}, '
            f'but model "{model.name}" ({model.provider}) answers in {one_of(model.wire_formats)}'
        )
        if len(silent) == len(models):
            problems.error(it.label, "harness", message)
        else:
            problems.warning(it.label, "models", f"{message}, so it is never used")


def _check_rehearsal(it: AgentInProject, problems: Problems) -> None:
    rehearsed = [model.name for model in it.agent.models if model.is_rehearsal]
    if rehearsed and it.agent.rehearsal is None:
        problems.error(
            it.label, "models", f'model "{rehearsed[0]}" is a rehearsal, and {it.label}/rehearsal.yaml is not there'
        )


def _check_scale(it: AgentInProject, problems: Problems) -> None:
    if it.config.scale is not None and it.agent.scale > it.config.scale:
        problems.error(it.label, "scale", f"is {it.agent.scale}, but the whole project has {it.config.scale}")


def _check_network(it: AgentInProject, problems: Problems) -> None:
    network = it.agent.network
    if network != "allowlist" and "egress" in it.table:
        problems.warning(it.label, "egress", f'has no effect, because the network is "{network}"')
    if network == "open":
        problems.warning(it.label, "network", '"open" lets the agent send what it reads to any host')


def _check_permissions(it: AgentInProject, problems: Problems) -> None:
    agent = it.agent
    if agent.permissions != "ask":
        return
    if agent.permission_deadline_s >= agent.timeout_s:
        problems.warning(
            it.label,
            "permission_deadline",
            f"is {agent.permission_deadline_s} s, and a run is ended after {agent.timeout_s} s (`timeout`): a question "
            "that nobody answers ends it",
        )
    if agent.notices.get(NoticeKind.PERMISSION) and not it.config.gateway.url:
        problems.warning(
            it.label,
            "permissions",
            "are asked for in notices, which cannot be answered from there: set `gateway.url` to the address by which "
            "people reach this project",
        )


def _check_images(it: AgentInProject, problems: Problems) -> None:
    if it.agent.dockerfile:
        name = f"{it.label}/Dockerfile"
        check_dockerfile(read_text(it.agent.dockerfile, name, problems) or "", name, it.config.local.image, problems)
    if it.project_dockerfile:
        problems.warning(
            it.label,
            "",
            "is harder to reuse: it is built on the project's Dockerfile, and will not work in another project if it "
            "needs a tool from there; prefer a Dockerfile in its own folder",
        )


def _check_host_user(it: AgentInProject, problems: Problems) -> None:
    ignored = ["Dockerfile"] if it.agent.dockerfile else []
    ignored += [key for key in ("memory", "cpus") if key in it.table]
    if it.config.local.engine == "host-user":
        ignored += [f"local.{key}" for key in it.config.local.written]
    if it.project_dockerfile:
        ignored.append("the project's Dockerfile")
    if ignored:
        problems.warning(
            it.label, "", f"runs as another user, without a container, so this is ignored: {', '.join(ignored)}"
        )
