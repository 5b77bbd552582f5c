"""A real keeper that kills itself, once, at a point that a test chose: `python -m tests.support.mortal_keeper`.

Takes the keeper's own arguments. `FREEHOLD_TEST_DIE` is where it dies: `before:<step>`, `after:<step>` (around the
writing of a step), `building` (while an image is built), `watching` (it begins to wait for a container's end), `ended`
(a container has ended and nobody knows it yet).
It dies of SIGKILL, as by the kernel's hand: nothing is flushed, closed or said.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

from freehold.keeper.main import main
from freehold.keeper.means import Notice
from freehold.keeper.record import Moment, Step
from freehold.keeper.wiring import DOCKER, Wiring
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Exit

VARIABLE = "FREEHOLD_TEST_DIE"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalWiring(Wiring):
    """The real wiring, with death where `VARIABLE` says."""

    def __init__(self, project: Path, home: Path) -> None:
        super().__init__(project, home)
        self._where = os.environ[VARIABLE]
        images = _MortalImages(self.means.images) if self._where == "building" else self.means.images
        engines = dict(self.means.engines)
        if self._where in ("watching", "ended"):
            engines[DOCKER] = _MortalDocker(self.means.clock, self.means.state / "workspaces")
        self.means = dataclasses.replace(self.means, reached=self._reached, images=images, engines=engines)

    def _reached(self, _run_id: str, step: Step, moment: Moment) -> None:
        if self._where == f"{moment}:{step}":
            die()


class _MortalImages:
    def __init__(self, real: object) -> None:
        self._real = real

    async def ensure(self, project: Project, agent: Agent, notice: Notice) -> str:
        def told(image: str, text: str) -> None:
            notice(image, text)
            die()

        return await self._real.ensure(project, agent, told)  # type: ignore[attr-defined,no-any-return]


class _MortalDocker(DockerEngine):
    async def wait(self, run_id: str) -> Exit:
        if os.environ[VARIABLE] == "watching":
            die()
        ended = await super().wait(run_id)
        die()
        return ended


if __name__ == "__main__":
    main(MortalWiring)
