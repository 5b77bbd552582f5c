"""How an agent is put together: its files read, merged, checked, and resolved against the project's configuration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.project import keys, schedule
from freehold.project.agent import Agent
from freehold.project.agent_checks import AgentInProject, check_agent
from freehold.project.budget import budget_of
from freehold.project.config import ProjectConfig, harness_of
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef, Purpose, parse_ref
from freehold.project.credentials import CREDENTIAL_TYPES, EVERY_CREDENTIAL_TYPE
from freehold.project.egress import egress_of
from freehold.project.layers import Layer, Merged, merge
from freehold.project.mcp import McpSpec
from freehold.project.models import ModelSpec
from freehold.project.names import agent_name_problem
from freehold.project.notices import agent_routes
from freehold.project.problems import Problems, Reporter, shown, unknown
from freehold.project.server_tools import server_tools_of
from freehold.project.shape import fit, report_strangers
from freehold.project.skill import Skill, check_description, parse_skill
from freehold.project.toml import read_text, read_toml
from freehold.project.triggering import triggering_of
from freehold.project.webhooks import triggers_of

SKILL_FILE = "SKILL.md"
CONFIG_FILE = "config.toml"
DOCKERFILE = "Dockerfile"
SCRIPT = "test-script.sh"
REHEARSAL_FILE = "rehearsal.yaml"

_DESCRIPTIVE = frozenset(key.name for key in keys.FRONTMATTER_KEYS)
_CONFIGURING = frozenset(spelling for key in keys.AGENT_KEYS for spelling in key.spellings)


@dataclass(frozen=True)
class Written:
    """What an agent's files say, checked one by one, before the project comes in. `values` fit `keys.AGENT_KEYS`."""

    directory: Path
    label: str
    skill: Skill
    description: str
    merged: Merged
    values: Mapping[str, Any]
    readable: bool
    """Whether every file could be read; when not, what they seem to lack says nothing."""


def read_agent(directory: Path, label: str, problems: Problems) -> Written:
    """Read an agent's folder. `label` is how messages call it, for example `agents/dev`."""
    skill_name, config_name = f"{label}/{SKILL_FILE}", f"{label}/{CONFIG_FILE}"
    text = read_text(directory / SKILL_FILE, skill_name, problems)
    skill = Skill() if text is None else parse_skill(text, skill_name, problems)
    own = read_toml(directory / CONFIG_FILE, config_name, problems)
    readable = not problems.errors
    name_problem = agent_name_problem(directory.name)
    if name_problem:
        problems.error(label, "", name_problem)
    descriptive, configuring = _split(skill.frontmatter)
    told = Reporter(problems, lambda _path: skill_name)
    report_strangers(skill.frontmatter, (*keys.FRONTMATTER_KEYS, *keys.AGENT_KEYS), told, gone=keys.AGENT_GONE)
    described = fit(descriptive, keys.FRONTMATTER_KEYS, told)
    if skill.frontmatter:
        check_description(described, directory.name, skill_name, problems)
    nested = {key: value for key, value in described["metadata"].items() if key in _CONFIGURING}
    merged = merge([Layer(skill_name, nested), Layer(skill_name, configuring), Layer(config_name, own)])
    values = fit(merged.table, keys.AGENT_KEYS, Reporter(problems, merged.origin), gone=keys.AGENT_GONE)
    return Written(directory, label, skill, described["description"] or "", merged, values, readable)


def resolve_agent(
    written: Written, config: ProjectConfig, project_dockerfile: Path | None, problems: Problems
) -> Agent | None:
    """The agent that `written` describes in a project; None when there are errors (they are in `problems`)."""
    if not written.readable:
        return None
    report = Reporter(problems, written.merged.origin)
    agent = _build(written, config, report)
    check_agent(AgentInProject(agent, config, project_dockerfile, written.merged.table, written.label), problems)
    return None if problems.errors else agent


def _build(written: Written, config: ProjectConfig, report: Reporter) -> Agent:
    values, folder = written.values, written.directory
    runtime, hooks = values["runtime"], values["hooks"]
    engine = {"container": "docker", "host-user": "host-user", None: config.local.engine}[runtime["type"]]
    _check_schedule(values, report)
    return Agent(
        name=folder.name,
        directory=folder.absolute(),
        description=written.description,
        skill_body=written.skill.body,
        models=_models(values["models"], config, report, needed=_needs_models(written)),
        credentials=_credentials(values["credentials"], report),
        harness=harness_of(values["harness"], report) or config.harness,
        engine=engine,
        network=values["network"] or config.local.network,
        egress=tuple(dict.fromkeys((*config.egress, *egress_of(values["egress"], report)))),
        server_tools=tuple(dict.fromkeys((*config.server_tools, *server_tools_of(values["server_tools"], report)))),
        budget=budget_of(values["budget"]).tightened_by(config.budget),
        mcp=_mcp(values["mcp"], config, report),
        permissions=values["permissions"] or config.permissions,
        permission_deadline_s=values["permission_deadline"] or config.permission_deadline_s,
        permission_default=values["permission_default"] or config.permission_default,
        notices=agent_routes(values["notices"], config.notices, report),
        pre_hooks=tuple(hooks["pre"]),
        post_hooks=tuple(hooks["post"]),
        injected_commands=written.skill.injected_commands,
        params=_as_json(values["params"]),
        timeout_s=values["timeout"] or config.local.timeout_s,
        memory_bytes=values["memory"] or config.local.memory_bytes,
        cpus=float(values["cpus"] or config.local.cpus),
        scale=config.default_agent_scale if values["scale"] is None else values["scale"],
        triggering=triggering_of(values, config.work_queue_size),
        schedule=values["schedule"] or "",
        timezone=values["timezone"] or "",
        webhooks=triggers_of(values["webhooks"], config.webhooks, report),
        run_as=runtime["run_as"],
        groups=tuple(runtime["groups"]),
        dockerfile=_file(folder / DOCKERFILE),
        script=_file(folder / SCRIPT),
        rehearsal=_file(folder / REHEARSAL_FILE),
        source=values["source"] or "",
        # Left out it bounds nothing, and empty it bounds everything: what fits does not tell the two apart.
        calls=tuple(dict.fromkeys(values["calls"])) if "calls" in written.merged.table else None,
    )


def _split(frontmatter: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Frontmatter as (what describes the skill, what configures the agent)."""
    configuring = {key: value for key, value in frontmatter.items() if key in _CONFIGURING}
    descriptive = {key: value for key, value in frontmatter.items() if key in _DESCRIPTIVE}
    if isinstance(descriptive.get("allowed-tools"), list):
        # The format wants one string; skills in the field write lists too, and neither has an effect here.
        del descriptive["allowed-tools"]
    return descriptive, configuring


def _needs_models(written: Written) -> bool:
    """Whether naming no model is an error: a script needs none, and a key that is wrong was told of already."""
    table = written.merged.table
    return not (written.directory / SCRIPT).is_file() and not table.get("models") and "model" not in table


def _models(names: list[str], config: ProjectConfig, report: Reporter, *, needed: bool) -> tuple[ModelSpec, ...]:
    if not names and needed:
        there_are = ", ".join(sorted(config.models)) or "none yet; add [models.<name>]"
        report.error(("models",), f"is missing: name at least one model of config.toml (there is: {there_are})")
    models = []
    for index, name in enumerate(names):
        if name in config.models:
            models.append(config.models[name])
        else:
            report.error(("models", index), unknown("model", name, config.models))
    return tuple(models)


def _credentials(written: list[str], report: Reporter) -> tuple[CredentialRef, ...]:
    references: list[CredentialRef] = []
    for index, text in enumerate(written):
        at = ("credentials", index)
        try:
            reference = parse_ref(text)
        except ValueError as error:
            report.error(at, f"{shown(text)} {error}")
            continue
        kind = EVERY_CREDENTIAL_TYPE.get(reference.type)
        if kind is None:
            report.error(at, unknown("credential type", reference.type, CREDENTIAL_TYPES))
        elif kind.internal:
            report.error(at, f"{kind.name} is Freehold's own; an agent cannot have it")
        elif kind.purpose is Purpose.NOTICE:
            report.error(at, f"{kind.name} is what notices are sent with; an agent cannot have it")
        elif kind.is_model_key:
            report.warning(
                at, f"{reference} is a model key: it stays with the model gateway and the run does not get it"
            )
        elif reference not in references:
            references.append(reference)
    _warn_of_same_variables(references, report)
    return tuple(references)


def _warn_of_same_variables(references: list[CredentialRef], report: Reporter) -> None:
    """Of several instances of one type, the default one has the variables, else the first that is listed."""
    holders: dict[str, CredentialRef] = {}
    for reference in sorted(references, key=lambda one: one.instance != DEFAULT_INSTANCE):
        taken = [variable for variable in CREDENTIAL_TYPES[reference.type].env_names if variable in holders]
        if taken:
            report.warning(
                ("credentials",),
                f"the variable {taken[0]} holds {holders[taken[0]]}, not {reference}; "
                f"both are files under /credentials/{reference.type}/",
            )
        for variable in CREDENTIAL_TYPES[reference.type].env_names:
            holders.setdefault(variable, reference)


def _mcp(names: list[str], config: ProjectConfig, report: Reporter) -> tuple[McpSpec, ...]:
    servers = []
    for index, name in enumerate(names):
        if name in config.mcp:
            servers.append(config.mcp[name])
        else:
            report.error(("mcp", index), unknown("MCP server", name, config.mcp))
    return tuple(dict.fromkeys(servers))


def _check_schedule(values: Mapping[str, Any], report: Reporter) -> None:
    expression = values["schedule"]
    if expression:
        problem = schedule.expression_problem(expression)
        if problem:
            report.error(("schedule",), f"{shown(expression)}: {problem}")
        elif not schedule.can_fire(expression):
            report.warning(("schedule",), f"{shown(expression)} can never fire: no such day exists")
    elif values["timezone"]:
        report.warning(("timezone",), "has no effect without `schedule`")
    problem = schedule.timezone_problem(values["timezone"] or "")
    if problem:
        report.error(("timezone",), f"{shown(values['timezone'])}: {problem}")


def _as_json(value: Any) -> Any:
    """`params` as JSON knows them: TOML's and YAML's dates and times become their text."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _file(path: Path) -> Path | None:
    return path.absolute() if path.is_file() else None
