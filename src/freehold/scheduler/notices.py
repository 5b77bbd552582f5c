"""Notices on their way out: written in the transaction of what they tell of, to the channels that want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection

from freehold.project.notices import routes_of
from freehold.scheduler.agents import Agents
from freehold.scheduler.news import News
from freehold.store import notices


class Notices:
    """`on_written` is told, on the event loop, that there is something to send."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._fresh = False
        self.on_written: Callable[[], None] = lambda: None

    def write(self, connection: Connection, news: Iterable[News], now: datetime) -> None:
        """Write each for every channel that is to be told and was not told before."""
        project = self._agents.project
        for one in news:
            agent = project.agents.get(one.agent)
            routes = agent.notices if agent else routes_of(project.config.notices)
            for channel in routes.get(one.kind, ()):
                self._fresh |= notices.add(connection, channel, one.notice, one.once, now)

    def tell(self) -> None:
        """What was written is on the disk."""
        if self._fresh:
            self._fresh = False
            self.on_written()
