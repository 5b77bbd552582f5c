"""What a stranger's agent would do, told before it is trusted (`docs/why/agents-of-strangers.md`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from freehold.base.plain_text import visible
from freehold.base.words import size
from freehold.cli.agent_folder import Folder, FoundFile
from freehold.project.agent_config import DOCKERFILE, SCRIPT, SKILL_FILE, Written
from freehold.project.config import ProjectConfig
from freehold.project.credential import parse_ref
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.harnesses import BUILTIN
from freehold.project.mcp import McpSpec
from freehold.project.models import ModelSpec

Fact = tuple[str, str]
_LONGEST_SHOWN = 200
"""Lines of a file; more is cut, with a word about it."""


def review(
    name: str, origin: str, files: Folder, facts: list[Fact], before: Collection[Fact] | None = None
) -> Iterator[str]:
    """Lines for a person. Everything in them that the stranger wrote is made visible, control characters included.

    Against what was so `before`, what is new is marked, and what is no more is told.
    """
    yield f"{name}, from {visible(origin)}"
    yield f"  {'files:':<14}{', '.join(_file(path, file) for path, file in files.items())}"
    for label, text in facts:
        mark = "" if before is None or (label, text) in before else "NEW: "
        yield f"  {label + ':':<14}{mark}{visible(text)}"
    for label, text in before or ():
        if (label, text) not in facts:
            yield f"  {label + ':':<14}NO MORE: {visible(text)}"
    # What has changed in the instructions was told by the difference.
    for path in (DOCKERFILE, SCRIPT, *(() if before is not None else (SKILL_FILE,))):
        if path in files:
            yield from _content(path, files[path])


def facts_of(written: Written, config: ProjectConfig) -> list[Fact]:
    """What an agent is and may do in a project, as a person reads it; (label, text)."""
    return list(_facts(written, config))


def _file(path: str, file: FoundFile) -> str:
    return f"{visible(path)} ({size(len(file.data))}{', a program' if file.executable else ''})"


def _facts(written: Written, config: ProjectConfig) -> Iterator[Fact]:
    values = written.values
    hooks, runtime = values["hooks"], values["runtime"]
    if written.description:
        yield "says", written.description
    for model in values["models"]:
        yield "model", _model(model, config.models.get(model))
    for text in values["credentials"]:
        yield "credential", _credential(text)
    for label, commands in (
        ("hook before", hooks["pre"]),
        ("hook after", hooks["post"]),
        ("injects", written.skill.injected_commands),
    ):
        for command in commands:
            yield label, command
    yield "network", _network(values["network"] or config.local.network)
    if values["egress"]:
        yield "reaches", ", ".join(values["egress"])
    if values["server_tools"]:
        yield "server tools", ", ".join(values["server_tools"])
    if runtime["type"] == "host-user" or (runtime["type"] is None and config.local.engine == "host-user"):
        groups = f", in the groups {', '.join(runtime['groups'])}" if runtime["groups"] else ""
        yield "runs on", f"this machine itself, as {runtime['run_as']}{groups}, WITHOUT A CONTAINER"
    yield from _programs(values["harness"], values["mcp"], config)
    if values["permissions"]:
        yield "permissions", values["permissions"]
    if values["schedule"]:
        yield "schedule", " ".join(filter(None, (values["schedule"], values["timezone"])))
    for trigger in values["webhooks"]:
        yield "started by", f"webhooks of {trigger.get('source', 'an unnamed source')}{_filter(trigger)}"
    yield from _bounds(values)


def _filter(trigger: Mapping[str, Any]) -> str:
    told = [f"{key} = {value}" for key, value in trigger.items() if key != "source"]
    return f", where {', '.join(told)}" if told else ""


def _bounds(values: Mapping[str, Any]) -> Iterator[Fact]:
    bounds = {key: values[key] for key in ("timeout", "memory", "cpus", "scale", "maxWorkQueueSize")} | values["budget"]
    told = [f"{key} = {value}" for key, value in bounds.items() if value is not None]
    if told:
        yield "bounds", ", ".join(told)
    if values["params"]:
        yield "params", ", ".join(f"{key} = {value}" for key, value in values["params"].items())


def _model(name: str, model: ModelSpec | None) -> str:
    if model is None:
        return f"{name}, which this project does not have"
    if model.is_rehearsal:
        return f"{name} (a rehearsal)"
    foreign = " (NOT A HOST OF THE PROVIDER)" if model.is_foreign else ""
    return f"{name} ({model.provider} {model.model}, at {model.base_url}{foreign})"


def _credential(text: str) -> str:
    try:
        kind = CREDENTIAL_TYPES.get(parse_ref(text).type)
    except ValueError:
        kind = None
    if kind is None:
        return f"{text}, which is of no known type"
    if kind.is_model_key:
        return f"{text}, which stays with the model gateway"
    parts = [text]
    if kind.env_names:
        parts.append(f"as {', '.join(kind.env_names)}")
    if kind.egress:
        parts.append(f"opens {', '.join(kind.egress)}")
    return "; ".join(parts)


def _network(network: str) -> str:
    return {
        "allowlist": "allowlist: package registries, the hosts of its credentials, and what it lists",
        "open": "OPEN: it can send what it reads to any host",
        "none": "none",
    }[network]


def _programs(harness: object, servers: list[str], config: ProjectConfig) -> Iterator[tuple[str, str]]:
    if isinstance(harness, dict) and harness["command"]:
        yield "harness", f"runs {' '.join(harness['command'])}"
    elif isinstance(harness, str) and harness != BUILTIN:
        yield "harness", harness
    for name in servers:
        yield "MCP server", f"{name}: {_server(config.mcp.get(name))}"


def _server(server: McpSpec | None) -> str:
    if server is None:
        return "which this project does not have"
    if server.command:
        return f"runs {' '.join(server.command)}"
    return f"{server.url}, opened with {server.credential}" if server.credential else server.url


def _content(path: str, file: FoundFile) -> Iterator[str]:
    yield f"  {path}:"
    if file.text is None:
        yield "    | is no text"
        return
    lines = file.text.splitlines()
    for line in lines[:_LONGEST_SHOWN]:
        yield f"    | {visible(line.expandtabs())}"
    if len(lines) > _LONGEST_SHOWN:
        yield f"    | ... {len(lines) - _LONGEST_SHOWN} more lines: READ THE WHOLE FILE BEFORE YOU AGREE"
