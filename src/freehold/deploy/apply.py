"""Carrying a plan out: part by part, in the order of the steps, under the lease."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.lease import Lease
from freehold.deploy.plan import Plan
from freehold.deploy.step import RETURNING, Step
from freehold.hosts.host import Host


class Watcher(Protocol):
    """Who is told how far it is. It must not wait."""

    def prepares(self, step: Step) -> None: ...

    def began(self, step: Step) -> None: ...

    def ended(self, step: Step, seconds: float) -> None: ...

    def failed(self, step: Step, seconds: float) -> None: ...


class Unwatched:
    def prepares(self, step: Step) -> None:
        del step

    def began(self, step: Step) -> None:
        del step

    def ended(self, step: Step, seconds: float) -> None:
        del step, seconds

    def failed(self, step: Step, seconds: float) -> None:
        del step, seconds


@dataclass
class Phases:
    """How long each step took, in seconds; what is said to `watcher` too."""

    watcher: Watcher = field(default_factory=Unwatched)
    seconds: dict[Step, float] = field(default_factory=dict)

    @contextmanager
    def of(self, step: Step) -> Iterator[None]:
        self.watcher.began(step)
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.watcher.failed(step, time.monotonic() - began)
            raise
        took = time.monotonic() - began
        self.seconds[step] = self.seconds.get(step, 0.0) + took
        self.watcher.ended(step, took)

    @contextmanager
    def before(self, step: Step) -> Iterator[None]:
        """What is made on this machine for a step that comes later; it counts as the step's time."""
        self.watcher.prepares(step)
        began = time.monotonic()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - began


class HalfwayError(Exception):
    """A step from which one goes back failed; `error` says how. The server could be reached just then."""

    def __init__(self, step: Step, error: FreeholdError) -> None:
        super().__init__(error.message)
        self.step = step
        self.error = error


async def carry_out(host: Host, plan: Plan, lease: Lease, phases: Phases) -> None:
    """Everything that is due. Raises `HalfwayError` where the release before must be brought back; else what the parts
    raise, and then the release before still counts, and the same push again does what is left."""
    for each in plan.due:
        lease.require()
        try:
            with phases.of(each.step):
                await each.part.carry_out(host, each.changes)
        except FreeholdError as error:
            if each.step in RETURNING and error.code is not Code.UNREACHABLE:
                raise HalfwayError(each.step, error) from error
            raise
