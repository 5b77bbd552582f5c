"""A project from its folder: the entry points that the rest of the system uses."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of
from freehold.project import keys, names
from freehold.project.agent import Agent
from freehold.project.agent_checks import check_dockerfile
from freehold.project.agent_config import SKILL_FILE, read_agent, resolve_agent
from freehold.project.config import ProjectConfig, config_of
from freehold.project.home import environment_file, environment_names
from freehold.project.layers import Layer, merge
from freehold.project.overlay import OVERLAY_FILE
from freehold.project.place import pinned
from freehold.project.problems import Problem, Problems, Reporter, shown
from freehold.project.shape import fit
from freehold.project.state import placed_name, state_directory
from freehold.project.toml import read_text, read_toml

CONFIG_FILE = "config.toml"
AGENTS_DIRECTORY = "agents"
REVISION_FILES, REVISION_ENVIRONMENT = "files", "environment.toml"
"""In the folder of a revision: the project's files as they were, and a copy of its environment's file."""
_NOT_AGENTS = frozenset({"node_modules"})


@dataclass(frozen=True)
class Project:
    """A project, loaded. `agents` are sound; a broken one is in `broken` with its problems, and stops only itself.

    `unique_name` is what containers, volumes and images carry. `dockerfile` is set only where the project's Dockerfile
    says more than FROM. `warnings` are the project's own; each agent has its own too. `files` is the folder that all
    this was read from: `root` (where that led, when it is a link), or that of a revision.
    """

    root: Path
    files: Path
    name: str
    unique_name: str
    state_dir: Path
    shared_dir: Path | None
    dockerfile: Path | None
    config: ProjectConfig
    environment: str
    agents: Mapping[str, Agent]
    broken: Mapping[str, Problems] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    @property
    def agent_names(self) -> list[str]:
        return sorted({*self.agents, *self.broken})

    def agent(self, name: str) -> Agent:
        """The agent called `name`. Raises NOT_FOUND with the names that there are, or CONFIG with its errors."""
        if name in self.agents:
            return self.agents[name]
        if name in self.broken:
            raise self.broken[name].as_error()
        raise FreeholdError(Code.NOT_FOUND, *_no_such_agent(name, self.agent_names, self.root))


@dataclass(frozen=True)
class Report:
    """Everything that was found in a project's files. `project` is None when the project itself is broken."""

    problems: Problems
    project: Project | None


def load_project(root: Path, *, home: Path, environment: str = "", revision: Path | None = None) -> Project:
    """The project in the folder `root`; `environment` (empty: what `.env.toml` says) lays its file over the rest.

    With `revision`, the folder of one, its files are read there; name and state stay those of `root`.

    Raises `FreeholdError`: NOT_FOUND when there is no project or environment, CONFIG with every error of the project's
    own files. A broken agent raises nothing here (see `Project.broken`).
    """
    problems = Problems()
    project = _load(root, home, environment, problems, revision)
    problems.raise_errors()
    return project


def name_of(root: Path) -> str:
    """The project's name as people gave it, also while its configuration is broken."""
    root = Path(os.path.abspath(root))  # noqa: PTH100  as `load_project`
    named = read_toml(root / OVERLAY_FILE, OVERLAY_FILE, Problems()).get("projectName")
    return named if isinstance(named, str) and named else placed_name() or root.name


def unique_name_of(root: Path) -> str:
    """The project's unique name, also while its configuration is broken: its containers must be found again."""
    if placed := placed_name():
        return placed
    return names.unique_project_name(name_of(root), Path(os.path.abspath(root)))  # noqa: PTH100  as `load_project`


def check(root: Path, *, home: Path, environment: str = "") -> Report:
    """Every error and warning of the project and all its agents. Raises only NOT_FOUND, as `load_project` does."""
    problems = Problems()
    project = _load(root, home, environment, problems)
    sound = not problems.errors
    for name in project.agent_names:
        if name in project.broken:
            problems.include(project.broken[name])
        else:
            problems.warnings.extend(project.agents[name].warnings)
    return Report(problems, project if sound else None)


def _load(root: Path, home: Path, environment: str, problems: Problems, revision: Path | None = None) -> Project:
    root = Path(os.path.abspath(root))  # noqa: PTH100  no link is followed: messages show the path that was given
    files = revision / REVISION_FILES if revision else pinned(root)
    require_project(files)
    overlay = read_toml(files / OVERLAY_FILE, OVERLAY_FILE, problems)
    local = _overlay_keys(overlay, problems)
    chosen = "" if environment == names.LOCAL else environment or local["environment"] or ""
    layers = _own_layers(files, overlay, problems)
    if chosen:
        copy = revision / REVISION_ENVIRONMENT if revision else None
        layers.append(_environment_layer(home, chosen, problems, copy))
    merged = merge(layers)
    readable = not problems.errors
    config = config_of(merged, Reporter(problems, merged.origin))
    name = local["projectName"] or placed_name() or root.name
    dockerfile = _project_dockerfile(files, config.local.image, problems)
    agents, broken = _load_agents(files, config if readable else None, dockerfile, problems)
    _check_together(config, agents, {*agents, *broken}, problems)
    shared = _own_directory(files, "shared", problems)
    return Project(
        root=root,
        files=files,
        name=name,
        unique_name=placed_name() or names.unique_project_name(name, root),
        state_dir=state_directory(root),
        shared_dir=shared,
        dockerfile=dockerfile,
        config=config,
        environment=chosen,
        agents=agents,
        broken=broken,
        warnings=tuple(problems.warnings),
    )


def require_project(root: Path) -> None:
    """Raises NOT_FOUND unless `root` is a project's folder; names the project around it where there is one."""
    has_agents = (root / AGENTS_DIRECTORY).is_dir()
    is_agent = (root / SKILL_FILE).exists() and not has_agents
    if has_agents or ((root / CONFIG_FILE).exists() and not is_agent):
        return
    around = next((parent for parent in root.parents if (parent / AGENTS_DIRECTORY).is_dir()), None)
    if is_agent:
        message, hint = (
            f"{root} is an agent's folder, not a project's",
            "go to the folder that holds agents/, or name it with -p",
        )
    elif not root.is_dir():
        message, hint = f"{root} is not a folder", "name the project's folder with -p"
    else:
        message = f"{root} holds no project: neither config.toml nor agents/ is there"
        hint = "make one with `freehold new NAME`, or name the project's folder with -p"
    if around:
        hint = f"the project around it is {around}: go there, or name it with -p"
    raise FreeholdError(Code.NOT_FOUND, message, hint)


def _overlay_keys(overlay: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    reserved = {key.name for key in keys.LOCAL_OVERLAY_KEYS}
    written = {key: value for key, value in overlay.items() if key in reserved}
    return fit(written, keys.LOCAL_OVERLAY_KEYS, Reporter(problems, lambda _path: OVERLAY_FILE))


def _own_layers(files: Path, overlay: Mapping[str, Any], problems: Problems) -> list[Layer]:
    reserved = {key.name for key in keys.LOCAL_OVERLAY_KEYS}
    layers = [
        Layer(CONFIG_FILE, read_toml(files / CONFIG_FILE, CONFIG_FILE, problems)),
        Layer(OVERLAY_FILE, {key: value for key, value in overlay.items() if key not in reserved}),
    ]
    for layer in layers:
        for table in ("server", "provision"):
            if table in layer.table:
                problems.error(
                    layer.name, table, "belongs in an environment's file, ~/.freehold/environments/<name>.toml"
                )
    return layers


def _environment_layer(home: Path, environment: str, problems: Problems, copy: Path | None) -> Layer:
    path = environment_file(home, environment)
    if names.environment_name_problem(environment) or not (copy or path).is_file():
        known = environment_names(home)
        suggestion = did_you_mean(environment, known)
        message = " ".join(part for part in (f"there is no environment {shown(environment)}", suggestion) if part)
        raise FreeholdError(Code.NOT_FOUND, f"{message}; there is: {one_of(known)}", f"write {path}, or leave out -E")
    # It is the user's own home, not a stranger's project: many keep such files elsewhere and link to them.
    return Layer(str(path), read_toml((copy or path).resolve(), str(path), problems))


def _project_dockerfile(root: Path, own_base: str, problems: Problems) -> Path | None:
    path = root / "Dockerfile"
    text = read_text(path, "Dockerfile", problems)
    if text is None or not check_dockerfile(text, "Dockerfile", own_base, problems):
        return None
    return path


def _load_agents(
    root: Path, config: ProjectConfig | None, project_dockerfile: Path | None, problems: Problems
) -> tuple[dict[str, Agent], dict[str, Problems]]:
    """The agents, and the problems of those that are broken. Without `config` they are read, and none is resolved:
    what they lack is in a file of the project that cannot be read."""
    agents: dict[str, Agent] = {}
    broken: dict[str, Problems] = {}
    for directory in agent_directories(root, problems):
        label = f"{AGENTS_DIRECTORY}/{directory.name}"
        if not (directory / SKILL_FILE).exists():
            problems.warning(label, "", f"has no {SKILL_FILE}, so it is no agent")
            continue
        own = Problems()
        _own_directory(root, label, own)
        written = read_agent(directory, label, own)
        agent = resolve_agent(written, config, project_dockerfile, own) if config else None
        if agent is None:
            broken[directory.name] = own
        else:
            agents[directory.name] = dataclasses.replace(agent, warnings=tuple(own.warnings))
    return agents, broken


def _own_directory(root: Path, name: str, problems: Problems) -> Path | None:
    """The folder `name` of a project; a link is an error: what it leads to may lie outside, and runs would get it."""
    path = root / name
    if path.is_symlink():
        problems.error(name, "", "is a link; put the folder itself in its place")
        return None
    return path if path.is_dir() else None


def agent_directories(root: Path, problems: Problems) -> list[Path]:
    folder = _own_directory(root, AGENTS_DIRECTORY, problems)
    if folder is None:
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in _NOT_AGENTS
    )


def _check_together(
    config: ProjectConfig, agents: Mapping[str, Agent], known: Collection[str], problems: Problems
) -> None:
    """`known` are the names of all agents, of broken ones too."""
    total = sum(agent.scale for agent in agents.values())
    if config.scale is not None and total > config.scale:
        problems.warning(
            CONFIG_FILE, "scale", f"is {config.scale}, but the agents want {total} together; some of them will wait"
        )
    for agent in agents.values():
        for name in agent.calls or ():
            if name not in known:
                where = f"{AGENTS_DIRECTORY}/{agent.name}"
                told = " ".join(part for part in (f'there is no agent "{name}"', did_you_mean(name, known)) if part)
                problems.warning(where, "calls", told)


def _no_such_agent(name: str, known: list[str], root: Path) -> tuple[str, str]:
    """Message and hint about an agent that there is not."""
    malformed = names.agent_name_problem(name)
    if malformed:
        return malformed, f"the agents are: {one_of(known)}"
    folder = root / AGENTS_DIRECTORY / name
    if folder.is_dir():
        return f"{folder} has no {SKILL_FILE}, so it is no agent", f"write one: {folder / SKILL_FILE}"
    suggestion = did_you_mean(name, known)
    message = " ".join(part for part in (f'there is no agent "{name}" in {root}', suggestion) if part)
    if not known:
        return message, f"make one with `freehold agent new {name}`"
    return message, f"the agents are: {one_of(known)}"
