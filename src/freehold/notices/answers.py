"""What a link in a notice leads to: an answer that is offered, and given once a person confirms it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.notices import tokens
from freehold.store import audit, notices
from freehold.store.database import Database
from freehold.wire.keeper import AnswerPermission
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.runs import RunView

BY_LINK = "a notice's link"
"""Who answered, for the audit."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """An answer that can be given now. All that is quoted in it is a harness's own words."""

    agent: str
    run_id: str
    asked: OpenPermission
    option: PermissionOption


class Answers:
    """`run_of` says how a run under way stands; `answer` passes an answer on, and raises NOT_FOUND when it is too late.

    Only whoever was sent a link knows it; it holds for one answer to one question, until the question is answered by
    anybody or its deadline is over.
    """

    def __init__(
        self,
        key: bytes,
        database: Database,
        clock: Clock,
        run_of: Callable[[str], RunView | None],
        answer: Callable[[AnswerPermission], Awaitable[None]],
    ) -> None:
        self._key = key
        self._database = database
        self._clock = clock
        self._run_of = run_of
        self._answer = answer

    async def offer(self, token: str) -> Offer:
        """What `token` would answer; changes nothing. Raises NOT_FOUND: it is none of ours, or too late."""
        meant = tokens.read(self._key, token)
        if meant is None:
            raise _gone("this is not a link of a notice")
        notice_id, number = meant
        stored = await self._database.read(lambda connection: notices.find(connection, notice_id))
        asked = stored.notice.permission if stored else None
        if stored is None or asked is None or number >= len(asked.options):
            raise _gone("what was asked is not known any more")
        if datetime.fromisoformat(asked.until) <= self._clock.now():
            raise _gone("the time for an answer is over")
        view = self._run_of(stored.notice.run_id)
        # The words must be the same: after a restart another question might have come to have the same id.
        if view is None or not any(_is_same(asked, one) for one in view.waiting_for):
            raise _gone("it was answered already, or the run has ended")
        return Offer(view.agent, view.run_id, asked, asked.options[number])

    async def give(self, token: str) -> Offer:
        """Give the answer; what was given. Raises NOT_FOUND: it is too late, or was given before; UNREACHABLE."""
        offer = await self.offer(token)
        await self._answer(AnswerPermission(offer.run_id, offer.asked.permission_id, offer.option.id))
        await self._note(offer)
        return offer

    async def _note(self, offer: Offer) -> None:
        now = self._clock.now()
        detail = {"option": offer.option.name, "title": offer.asked.title}
        try:
            await self._database.write(lambda c: audit.note(c, BY_LINK, "run.answer", now, offer.run_id, detail))
        except FreeholdError as error:  # the answer is given, and the run's own events tell it
            _logger.warning("an answer is not in the audit", extra={"run_id": offer.run_id, "error": error.message})


def _is_same(one: OpenPermission, other: OpenPermission) -> bool:
    return (one.permission_id, one.title, one.options) == (other.permission_id, other.title, other.options)


def _gone(why: str) -> FreeholdError:
    return FreeholdError(Code.NOT_FOUND, why, "The console shows what is asked now.")
