"""An edge in memory, for tests."""

from __future__ import annotations

import dataclasses

from freehold.base.errors import Code, FreeholdError
from freehold.edge.edge import Traffic


class FakeEdge:
    """Serves these projects. `running` False: nobody answers."""

    def __init__(self, *projects: str, running: bool = True) -> None:
        self.served = {project: Traffic(project, 0, 0, 0, 0, False) for project in projects}
        self.running = running

    def ask(self, project: str) -> int:
        """A request of somebody's, and the status that it is answered with."""
        one = self._served(project)
        self.served[project] = dataclasses.replace(one, requests=one.requests + 1, failed=one.failed + one.paused)
        return 503 if one.paused else 200

    async def traffic(self) -> tuple[Traffic, ...]:
        self._require_running()
        return tuple(self.served[name] for name in sorted(self.served))

    async def pause(self, project: str) -> None:
        self.served[project] = dataclasses.replace(self._served(project), paused=True)

    async def resume(self, project: str) -> None:
        self.served[project] = dataclasses.replace(self._served(project), paused=False)

    async def figures(self) -> str:
        self._require_running()
        lines = [f'requests_total{{proxy="project_{one.project}"}} {one.requests}' for one in self.served.values()]
        return "\n".join([*lines, ""])

    def _served(self, project: str) -> Traffic:
        self._require_running()
        if project not in self.served:
            raise FreeholdError(Code.NOT_FOUND, f"the edge of fake serves no project {project}")
        return self.served[project]

    def _require_running(self) -> None:
        if not self.running:
            raise FreeholdError(Code.UNREACHABLE, "no edge of ours runs on fake")
