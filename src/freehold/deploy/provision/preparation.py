"""A server that was there before is made right: each change is listed, and agreed to, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.check import Repair, State
from freehold.deploy.examination import examine
from freehold.deploy.part import Change, Part
from freehold.deploy.provision.progress import Progress
from freehold.deploy.server_checks import CHECKS
from freehold.deploy.server_preparation import planned_changes, prepare
from freehold.hosts.host import Host
from freehold.server.facts import ServerFacts

NEEDED = ("sudo", "system", "systemd", "python", "docker", "disk")
"""Checks that must hold before a server can be prepared at all; the others are told by `env check`."""
_REPAIRED = ("python", "docker")
"""To make room on somebody's disk, say, is not for us to begin with."""

Agree = Callable[[Sequence[Change]], bool]


class Preparation:
    """`parts` are those of `deploy/server_preparation.py`. `agree` is shown everything that would change."""

    def __init__(self, parts: Sequence[Part], agree: Agree, progress: Progress) -> None:
        self._parts = parts
        self._agree = agree
        self._progress = progress

    async def __call__(self, host: Host) -> None:
        """Raises FAILED with all that cannot be repaired from here, INTERRUPTED when somebody does not agree; then
        nothing was changed by what was not agreed to."""
        if first := needed_repairs(await examine(host)):
            # Without Python nobody can be asked what the parts would change: it comes in a list of its own.
            self._require_agreement([Change(repair.offer) for repair in first])
            for repair in first:
                await self._repair(host, repair)
        planned = await planned_changes(host, self._parts)
        if changes := [change for each in planned for change in each.changes]:
            self._require_agreement(changes)
        await prepare(host, planned, lambda change: self._progress.says(change.what))
        for each in planned:
            if each.advice:
                self._progress.says(each.advice)

    def _require_agreement(self, changes: Sequence[Change]) -> None:
        if not self._agree(changes):
            raise FreeholdError(Code.INTERRUPTED, "nothing of that was changed on the server", "It was not agreed to.")

    async def _repair(self, host: Host, repair: Repair) -> None:
        self._progress.says(repair.offer)
        for command in repair.commands:
            outcome = await host.run(command)
            if outcome.status:
                why = outcome.complaint or f"exit code {outcome.status}"
                raise FreeholdError(Code.FAILED, f"{host.name}: could not {repair.offer}: {why}")


def needed_repairs(facts: ServerFacts) -> list[Repair]:
    """What has to be done before the parts are asked. Raises FAILED, with all of it, for what nobody can do for the
    server's owner."""
    failing = [check for check in CHECKS if check.name in NEEDED and check.judge(facts).state is State.FAIL]
    found = [
        (check.judge(facts), check.repair(facts) if check.name in _REPAIRED else None, check.name) for check in failing
    ]
    if hopeless := [(name, verdict) for verdict, repair, name in found if repair is None]:
        message = "\n".join(f"{name}: {verdict.message}" for name, verdict in hopeless)
        raise FreeholdError(Code.FAILED, message, "\n".join(verdict.hint for _, verdict in hopeless if verdict.hint))
    # A Docker that is not there comes with the other packages.
    return [repair for _, repair, name in found if repair and (name != "docker" or facts.docker_program)]
