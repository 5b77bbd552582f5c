"""What another program may read of a project: the instructions of its agents, `freehold://agents/{name}/skill`."""

from __future__ import annotations

from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.project.agent_config import SKILL_FILE
from freehold.project.load import AGENTS_DIRECTORY, Project, load_project

LARGEST_BYTES = 1024 * 1024
_PREFIX, _SUFFIX = "freehold://agents/", "/skill"
_TYPE = "text/markdown"


class Resources:
    """Read anew each time it is asked: agents come and go."""

    templates: list[dict[str, Any]] = [
        {
            "uriTemplate": f"{_PREFIX}{{name}}{_SUFFIX}",
            "name": "skill",
            "title": "What an agent is told to do",
            "description": "The SKILL.md of an agent.",
            "mimeType": _TYPE,
        }
    ]

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self) -> list[dict[str, Any]]:
        """Raises what `load_project` raises."""
        return [
            {"uri": f"{_PREFIX}{name}{_SUFFIX}", "name": name, "title": f"What {name} is told to do", "mimeType": _TYPE}
            for name in self._project().agent_names
        ]

    def read(self, uri: str) -> dict[str, Any]:
        """Raises NOT_FOUND for anything else than the skill of an agent."""
        project = self._project()
        name = uri.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if uri != f"{_PREFIX}{name}{_SUFFIX}" or name not in project.agent_names:
            raise FreeholdError(Code.NOT_FOUND, f"there is no resource {uri[:200]}")
        path = project.root / AGENTS_DIRECTORY / name / SKILL_FILE
        with path.open(encoding="utf-8", errors="replace") as file:
            return {"uri": uri, "mimeType": _TYPE, "text": file.read(LARGEST_BYTES)}

    def _project(self) -> Project:
        return load_project(self._context.project_dir, home=self._context.home, environment="")
