"""The loop that sends what is written: to each channel in order, and again, for a day, when it did not get through."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import FreeholdError
from freehold.notices.links import Links
from freehold.notices.message import message_of
from freehold.notices.not_taken import NotTakenError
from freehold.notices.plan import FIRST_RETRY_S, WINDOW, Plan, again_at, is_hopeless, plan
from freehold.notices.sender import Sender
from freehold.project.notices import Channel
from freehold.store import notices
from freehold.store.database import Database
from freehold.store.notices import StoredNotice

MOST_AT_ONCE = 1000
LONGEST_SLEEP = timedelta(seconds=30)
"""The wall clock may be set while nobody looks at it."""
RETRY_S = 1.0
"""Between two tries to reach a database that is away."""
FORGET_EVERY, KEPT_FOR = timedelta(hours=6), timedelta(days=14)

_logger = logging.getLogger(__name__)


class Outbox:
    """`wake` says that something was written; what was written while nothing ran is found at the start.

    A notice is marked as sent after the other side took it. Killed in between, it is sent again: rather twice than not.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sender: Sender,
        channels: Callable[[], tuple[str, dict[str, Channel], Links]],
    ) -> None:
        # `channels`: the project's name, its channels and its links, as they are configured now.
        self._database = database
        self._clock = clock
        self._sender = sender
        self._channels = channels
        self._wake = asyncio.Event()
        self._recent: dict[str, list[datetime]] = {}
        self._pauses: dict[str, datetime] = {}
        self._forgotten: datetime | None = None
        self._problems: dict[str, str] = {}
        self._busy: set[str] = set()

    def problems(self) -> list[str]:
        """Which channels nothing gets through to, each in a sentence; `/health` is degraded while there is one."""
        _, channels, _ = self._channels()
        return [f"notices to {name}: {problem}" for name, problem in self._problems.items() if name in channels]

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as sending:
            while True:
                self._wake.clear()
                try:
                    again = await self._look(sending)
                except FreeholdError as error:
                    _logger.warning("notices wait for the database", extra={"error": error.message})
                    again = self._clock.now() + timedelta(seconds=RETRY_S)
                except Exception:  # a defect of ours must not end it without a word
                    _logger.exception("notices could not be looked through")
                    again = self._clock.now() + timedelta(seconds=FIRST_RETRY_S)
                await self._until(again)

    async def _look(self, sending: asyncio.TaskGroup) -> datetime:
        """Begin to send what is due, to all channels at once: a slow one keeps none of the others waiting. When to look
        again; also once a channel is done."""
        now = self._clock.now()
        await self._forget(now)

        def work(connection: Connection) -> tuple[dict[str, list[StoredNotice]], datetime | None]:
            return notices.due(connection, now, MOST_AT_ONCE), notices.next_look(connection, now)

        # One that is done while this reads may have sent what is read as due.
        busy = frozenset(self._busy)
        due, next_look = await self._database.read(work)
        for name, stored in due.items():
            if name not in busy:
                self._busy.add(name)
                sending.create_task(self._send_to(name, stored))
        return min(next_look or now + LONGEST_SLEEP, now + LONGEST_SLEEP)

    async def _send_to(self, name: str, due: Sequence[StoredNotice]) -> None:
        try:
            await self._work_off(name, due)
        except FreeholdError as error:
            _logger.warning("notices wait for the database", extra={"channel": name, "error": error.message})
            await self._clock.sleep(RETRY_S)
        except Exception:  # a defect of ours, in one notice perhaps, must not keep the others from being told
            _logger.exception("notices could not be sent", extra={"channel": name})
            self._problems[name] = "a defect keeps them from being sent; the log says more"
            await self._clock.sleep(FIRST_RETRY_S)
        finally:
            self._busy.discard(name)
            self._wake.set()

    async def _work_off(self, name: str, due: Sequence[StoredNotice]) -> None:
        now = self._clock.now()
        project, channels, links = self._channels()
        channel = channels.get(name)
        if channel is None:
            await self._write(lambda c: notices.give_up(c, _ids(due), f"there is no channel {name} any more"))
            return
        if (pause := self._pauses.get(name)) and pause > now:
            await self._hold(due, pause)
            return
        recent = [moment for moment in self._recent.get(name, []) if moment > now - WINDOW]
        decided = plan(due, recent, now)
        self._recent[name] = recent
        await self._set_aside(decided)
        for number, batch in enumerate(decided.batches):
            if not await self._send(channel, batch, project, links):
                rest = [one for later in decided.batches[number + 1 :] for one in later]
                await self._hold(rest, self._pauses[name])
                return

    async def _set_aside(self, decided: Plan) -> None:
        if over := _ids(decided.over):
            why = "it was not sent in time: nobody could answer any more"
            await self._write(lambda c: notices.give_up(c, over, why))
        if decided.held_until:
            await self._hold(decided.held, decided.held_until)

    async def _hold(self, those: Sequence[StoredNotice], until: datetime) -> None:
        if ids := _ids(those):
            await self._write(lambda c: notices.hold(c, ids, until))

    async def _send(self, channel: Channel, batch: Sequence[StoredNotice], project: str, links: Links) -> bool:
        """False when nothing gets through to the channel at the moment."""
        try:
            await self._sender.send(channel, message_of(batch, project, links))
        except FreeholdError as error:
            return await self._not_sent(channel.name, batch, error)
        now = self._clock.now()
        self._recent[channel.name].append(now)
        self._problems.pop(channel.name, None)
        self._pauses.pop(channel.name, None)
        await self._until_written(lambda c: notices.sent(c, _ids(batch), now))
        return True

    async def _not_sent(self, name: str, batch: Sequence[StoredNotice], error: FreeholdError) -> bool:
        now = self._clock.now()
        refused = isinstance(error, NotTakenError) and error.refused
        retry_after_s = error.retry_after_s if isinstance(error, NotTakenError) else 0.0
        until = again_at(max(one.attempts for one in batch) + 1, retry_after_s, now)
        hopeless = [one for one in batch if is_hopeless(one, now, refused=refused)]
        _logger.log(
            logging.ERROR if hopeless else logging.WARNING,
            "a notice is given up" if hopeless else "a notice did not get through",
            extra={"channel": name, "error": error.message, "notices": _ids(batch)[:10]},
        )
        self._problems[name] = error.message
        left = [one for one in batch if one not in hopeless]

        def work(connection: Connection) -> None:
            notices.give_up(connection, _ids(hopeless), error.message)
            notices.postpone(connection, _ids(left), until, error.message)

        await self._write(work)
        if not refused:
            self._pauses[name] = until
        return refused

    async def _write(self, work: Callable[[Connection], None]) -> None:
        await self._database.write(work)

    async def _until_written(self, work: Callable[[Connection], None]) -> None:
        """What was sent must not be sent again because the database is away for a moment."""
        while True:
            try:
                return await self._write(work)
            except FreeholdError as error:
                _logger.warning("what was sent could not be marked", extra={"error": error.message})
            await self._clock.sleep(RETRY_S)

    async def _forget(self, now: datetime) -> None:
        if self._forgotten is None or now - self._forgotten >= FORGET_EVERY:
            await self._database.write(lambda connection: notices.forget_before(connection, now - KEPT_FOR))
            self._forgotten = now

    async def _until(self, moment: datetime) -> None:
        sleeping = asyncio.create_task(self._sleep_until(moment))
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()
            await asyncio.gather(sleeping, waking, return_exceptions=True)

    async def _sleep_until(self, moment: datetime) -> None:
        await self._clock.sleep(max((moment - self._clock.now()).total_seconds(), 0.0))


def _ids(those: Sequence[StoredNotice]) -> list[str]:
    return [one.id for one in those]
