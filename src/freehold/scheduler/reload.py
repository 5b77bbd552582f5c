"""Takes edits over while the scheduler runs: what is sound at once, what is not when it is."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Collection, Sequence

from freehold.base.errors import FreeholdError
from freehold.base.threads import in_thread
from freehold.scheduler.changes import Changes, What
from freehold.scheduler.edition import Composer, Edition
from freehold.scheduler.run_keeper import RunKeeper
from freehold.scheduler.scheduler import Scheduler

LOOK_INTERVAL_S = 60.0
"""Looked at even when nobody tells of a change: some file systems never do, and any may miss one."""
RETRY_S = 5.0
"""After a look that failed: the disk may have room again."""
KEPT = 3
"""Editions whose revisions stay, besides those that a run uses: a run that is just being begun may name one."""

_logger = logging.getLogger(__name__)


class Reload:
    """One look at a time; what changes meanwhile is looked at after it. Its own writes are not among what it watches.

    The revisions of editions before are removed by the keeper, which knows what runs use.
    """

    def __init__(self, composer: Composer, scheduler: Scheduler, keeper: RunKeeper) -> None:
        self._composer = composer
        self._scheduler = scheduler
        self._keeper = keeper
        self._kept: deque[Collection[str]] = deque(maxlen=KEPT)
        self._failed = False
        self._keep(scheduler.agents.edition)

    async def run(self, changes: Changes) -> None:
        """Go on until cancelled."""
        while True:
            changed = await changes.next(RETRY_S if self._failed else LOOK_INTERVAL_S)
            if What.CREDENTIALS in changed:
                self._scheduler.let_go()
            if changed != {What.CREDENTIALS}:
                await self._look_safely()

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except Exception:  # a defect of ours, met in somebody's files, must not end the service of all agents
            self._failed = True
            _logger.exception("edits are not taken over")

    async def look(self) -> None:
        """Take over what is sound of the files as they are."""
        before = self._scheduler.agents.edition
        try:
            edition = await in_thread(self._composer.compose, before, time.time_ns())
        except FreeholdError as error:
            self._failed = True
            if before.error is None or before.error.message != error.message:
                self._take_over(before, before.with_error(error))
            return
        self._failed = False
        if edition is not before:
            self._take_over(before, edition)
        if edition.chosen != before.chosen:
            self._keep(edition)
            await self.prune()

    async def prune(self) -> None:
        """Remove revisions that are of no use any more; a keeper that is away is asked after the next edit."""
        keep = sorted({name for names in self._kept for name in names})
        try:
            used = await self._keeper.used_revisions()
            await in_thread(self._composer.prune, {*keep, *used})
        except FreeholdError as error:
            _logger.warning("old revisions stay for now", extra={"error": error.message})

    def _keep(self, edition: Edition) -> None:
        if edition.chosen:
            self._kept.append(edition.chosen.all)

    def _take_over(self, before: Edition, edition: Edition) -> None:
        for line in differences(before, edition):
            _logger.info(line)
        self._scheduler.take_over(edition)


def differences(before: Edition, after: Edition) -> Sequence[str]:
    """What an edit did, a sentence each. Pure."""
    old, new = set(before.project.agent_names), set(after.project.agent_names)
    told = [f"agent {name} is new" for name in sorted(new - old)]
    told += [f"agent {name} is gone; its runs go on to their end" for name in sorted(old - new)]
    for name, error in sorted(after.errors.items()):
        if name not in before.errors or before.errors[name].message != error.message:
            told.append(f"an edit of agent {name} is not taken over: {error.message}")
    told += [f"agent {name} is sound again" for name in sorted(before.errors.keys() - after.errors.keys())]
    if after.error and (before.error is None or before.error.message != after.error.message):
        told.append(f"an edit of the project is not taken over: {after.error.message}")
    if before.error and after.error is None:
        told.append("the project's own files are sound again")
    if not told and before.chosen != after.chosen:
        told.append("an edit is taken over")
    if after.release and after.release != before.release:
        told.append(f"release {after.release} is at work" + (", but for what has errors" if after.refused else ""))
    return told
