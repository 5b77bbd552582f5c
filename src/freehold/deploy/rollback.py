"""Going back to a release that is kept on a server, and which ones there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.activation import Activation
from freehold.deploy.apply import Phases
from freehold.deploy.facts import fact, gather
from freehold.deploy.guard import AFTER_S
from freehold.deploy.health import HealthPart, NotWell
from freehold.deploy.lease import LASTS_S, Lease
from freehold.deploy.release_files import ReleaseFiles
from freehold.deploy.release_part import ReleaseFacts, ReleasePart, require_release
from freehold.deploy.step import Step
from freehold.deploy.unhealthy import UnhealthyError
from freehold.hosts.host import Host
from freehold.runtime.revision import Manifest
from freehold.server.layout import Layout
from freehold.server.release import ReleaseRecord, rolled_back_then, to_go_back_to


async def releases_on(host: Host, layout: Layout, lease: Lease | None = None) -> ReleaseFacts:
    """Those of a project. Raises what `gather` raises."""
    reader = ReleasePart(layout, ReleaseFiles(Manifest(), {}), _NONE)
    return fact(await gather(host, [reader], lease), reader.name, ReleaseFacts)


def release_to_go_back_to(
    facts: ReleaseFacts, layout: Layout, asked: str = "", environment: str = "NAME"
) -> ReleaseRecord:
    """The release `asked` (its id, or the end of it), else the newest before the one that counts that nobody went back
    from. Pure. Raises NOT_FOUND with those that there are."""
    current = require_release(facts, layout, environment)
    known = ", ".join(sorted((record.id for record in facts.releases), reverse=True))
    if not asked:
        asked = to_go_back_to([record.id for record in facts.releases], current.id, facts.rolled_back)
        if not asked:
            left = " that nobody went back from" if facts.rolled_back else ""
            raise FreeholdError(
                Code.NOT_FOUND,
                f"{layout.project} has no release before {current.id} there{left}",
                f"There is: {known}. One is named by its id: freehold rollback RELEASE",
            )
    found = [record for record in facts.releases if record.id.endswith(asked)]
    if len(found) != 1:
        what = "no release" if not found else "more than one release"
        raise FreeholdError(Code.NOT_FOUND, f"{layout.project} has {what} {asked} there", f"There are: {known}")
    return found[0]


@dataclass(frozen=True)
class RolledBack:
    release: ReleaseRecord
    before: ReleaseRecord
    phases_s: dict[Step, float]


@dataclass(frozen=True)
class Rollback:
    """`health` says how it is looked at."""

    host: Host
    layout: Layout
    health: HealthPart
    phases: Phases = field(default_factory=Phases)
    lease_s: float = LASTS_S
    guard_after_s: float = AFTER_S

    async def carry_out(self, asked: str = "") -> RolledBack:
        """Let the release `asked`, else the one before, count. Raises NOT_FOUND, CONFLICT while somebody else has the
        lease, UNHEALTHY when it was not well: then the one that counted until now does again."""
        lease = Lease(self.layout, lasts_s=self.lease_s)
        with self.phases.of(Step.LEASE):
            facts = await releases_on(self.host, self.layout, lease)
        async with lease.kept(self.host):
            before = require_release(facts, self.layout, self.host.name)
            target = release_to_go_back_to(facts, self.layout, asked, self.host.name)
            activation = Activation(self.layout, lease, self.health, self.guard_after_s)
            known = [record.id for record in facts.releases]
            left = rolled_back_then(known, facts.rolled_back, before.id, target.id)
            try:
                await activation.activate(self.host, target, self.phases, before=before, rolled_back=left)
            except FreeholdError as error:
                if error.code is Code.UNREACHABLE:
                    raise
                raise await self._returned(activation, target, before, facts.rolled_back, error) from error
        return RolledBack(target, before, self.phases.seconds)

    async def _returned(
        self,
        activation: Activation,
        target: ReleaseRecord,
        before: ReleaseRecord,
        rolled_back: Sequence[str],
        error: FreeholdError,
    ) -> UnhealthyError:
        release = NotWell(self.host, self.layout, target.id, error)
        try:
            await activation.activate(self.host, before, self.phases, rolled_back=rolled_back)
        except FreeholdError as other:
            return release.not_back(before.id, other)
        return release.told(f"release {before.id} counts again, and is well")


_NONE = ReleaseRecord(id="", project="", content="", program="", pushed_at="", pushed_by="", version="")
