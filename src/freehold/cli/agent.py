"""`freehold agent …`: the agents of a project."""

from __future__ import annotations

from typing import Any

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line, visible
from freehold.base.words import duration, one_of, plural, size
from freehold.cli.agent_add import add, update
from freehold.cli.agent_switch import disable, enable, scale
from freehold.cli.agent_template import agent_files
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, say, table, warn
from freehold.project.agent import Agent
from freehold.project.load import AGENTS_DIRECTORY, Project, load_project
from freehold.project.names import agent_name_problem
from freehold.project.problems import unknown


@click.group(name="agent")
def command() -> None:
    """Make, list, show, add and update the project's agents; switch those of a running project."""


command.add_command(add)
command.add_command(update)
command.add_command(enable)
command.add_command(disable)
command.add_command(scale)


@command.command(name="new")
@click.argument("name")
@click.option("--description", default="", help="What it does and when it is of use.")
@click.option("--model", default="", help="A model of the project [the first].")
@click.pass_obj
def new(context: Context, name: str, description: str, model: str) -> None:
    """Make an agent: a folder with its instructions and its configuration, to be filled in."""
    project = _project(context)
    problem = agent_name_problem(name)
    if problem:
        raise FreeholdError(Code.USAGE, problem)
    folder = project.root / AGENTS_DIRECTORY / name
    if folder.exists():
        raise FreeholdError(
            Code.CONFLICT, f"{AGENTS_DIRECTORY}/{name} is there already", f"`freehold agent show {name}` tells of it"
        )
    folder.mkdir(parents=True)
    for path, text in agent_files(name, description, _model(project, model)).items():
        (folder / path).write_text(text, encoding="utf-8")
    if context.json:
        print_json({"created": name, "directory": folder})
        return
    say(f"{AGENTS_DIRECTORY}/{name}/SKILL.md holds its instructions, config.toml beside it its configuration")
    note(f"then: freehold run {name}")


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the agents, with what starts them; a broken one is listed with its errors."""
    project = _project(context)
    if context.json:
        print_json([_as_json(project, name) for name in project.agent_names])
        return
    if not project.agent_names:
        say("No agents yet. `freehold agent new NAME` makes one, `freehold agent add` takes one over.")
        return
    table(
        ["agent", "state", "models", "started by", "what it does"],
        [_row(project, name) for name in project.agent_names],
    )
    for name, problems in sorted(project.broken.items()):
        for problem in problems.errors:
            warn(f"{name}: {problem}")


@command.command(name="show")
@click.argument("name")
@click.pass_obj
def show(context: Context, name: str) -> None:
    """Show what an agent is, with everything that the project adds to it."""
    project = _project(context)
    agent = project.agent(name)
    if context.json:
        print_json(_as_json(project, name))
        return
    say(f"{agent.name}: {visible(agent.description)}" if agent.description else agent.name)
    for label, text in _facts(agent):
        say(f"  {label + ':':<14}{one_line(text)}")
    for problem in agent.warnings:
        warn(str(problem))


def _project(context: Context) -> Project:
    return load_project(context.project_dir, home=context.home, environment=context.environment)


def _model(project: Project, wanted: str) -> str:
    models = list(project.config.models)
    if wanted and wanted not in models:
        raise FreeholdError(Code.NOT_FOUND, unknown("model", wanted, models))
    if not models:
        raise FreeholdError(Code.CONFIG, "the project has no model yet", "add [models.<name>] to config.toml")
    return wanted or models[0]


def _row(project: Project, name: str) -> tuple[str, ...]:
    agent = project.agents.get(name)
    if agent is None:
        return (name, "broken", "", "", "")
    state = "off" if agent.scale == 0 else "ready"
    return (
        name,
        state,
        ", ".join(model.name for model in agent.models),
        _starters(agent),
        _first_line(agent.description),
    )


def _starters(agent: Agent) -> str:
    starters = [agent.schedule] if agent.schedule else []
    starters += [trigger.source for trigger in agent.webhooks]
    return ", ".join(dict.fromkeys(starters)) or "hand"


def _first_line(text: str) -> str:
    line = text.strip().split("\n")[0]
    return visible(line if len(line) <= 60 else f"{line[:59]}…")


def _facts(agent: Agent) -> list[tuple[str, str]]:
    facts = [
        ("folder", str(agent.directory)),
        ("models", ", ".join(f"{model.name} ({model.provider} {model.model})" for model in agent.models)),
        ("harness", " ".join((agent.harness.name, *agent.harness.command))),
        (
            "engine",
            f"{agent.engine}, {size(agent.memory_bytes)}, {_cpus(agent.cpus)}, {duration(agent.timeout_s)}",
        ),
        ("credentials", ", ".join(str(ref) for ref in agent.credentials) or "none"),
        ("network", agent.network),
        ("started by", _starters(agent)),
        ("budget", _budget(agent)),
        ("permissions", agent.permissions),
    ]
    if agent.network == "allowlist":
        facts.insert(6, ("reaches", one_of(agent.allowed_hosts)))
    optional = [
        ("MCP servers", ", ".join(server.name for server in agent.mcp)),
        ("server tools", ", ".join(agent.server_tools)),
        ("Dockerfile", str(agent.dockerfile or "")),
        ("rehearsal", str(agent.rehearsal or "")),
        ("script", str(agent.script or "")),
        ("source", visible(agent.source)),
    ]
    return [*facts, *(fact for fact in optional if fact[1])]


def _cpus(cpus: float) -> str:
    return "1 CPU" if cpus == 1 else f"{cpus:g} CPUs"


def _budget(agent: Agent) -> str:
    budget = agent.budget
    limits = [
        f"${budget.usd_per_run:g} a run" if budget.usd_per_run is not None else "",
        f"${budget.usd_per_day:g} a day" if budget.usd_per_day is not None else "",
        f"${budget.usd_per_month:g} a month" if budget.usd_per_month is not None else "",
        f"{budget.tokens_per_run} tokens a run" if budget.tokens_per_run is not None else "",
        plural(budget.turns_per_run, "turn") + " a run" if budget.turns_per_run is not None else "",
    ]
    return ", ".join(limit for limit in limits if limit) or "none"


def _as_json(project: Project, name: str) -> dict[str, Any]:
    agent = project.agents.get(name)
    if agent is None:
        return {"name": name, "state": "broken", "errors": [str(problem) for problem in project.broken[name].errors]}
    return {
        "name": name,
        "state": "off" if agent.scale == 0 else "ready",
        "description": agent.description,
        "directory": agent.directory,
        "models": [model.name for model in agent.models],
        "harness": [agent.harness.name, *agent.harness.command],
        "engine": agent.engine,
        "network": agent.network,
        "hosts": agent.allowed_hosts if agent.network == "allowlist" else [],
        "credentials": [str(ref) for ref in agent.credentials],
        "mcp": [server.name for server in agent.mcp],
        "schedule": agent.schedule,
        "webhooks": [trigger.source for trigger in agent.webhooks],
        "scale": agent.scale,
        "timeout_s": agent.timeout_s,
        "memory_bytes": agent.memory_bytes,
        "cpus": agent.cpus,
        "budget": agent.budget,
        "permissions": agent.permissions,
        "source": agent.source,
        "warnings": [str(problem) for problem in agent.warnings],
    }
