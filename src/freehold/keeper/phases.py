"""Which phase a run is in, and how long each took."""

from __future__ import annotations

from datetime import datetime

from freehold.base.clock import Clock
from freehold.keeper.event_log import EventLog
from freehold.wire.events import AnyEvent, PhaseFinished, PhaseStarted
from freehold.wire.runs import Phase

_ORDER = list(Phase)
FROM_INSIDE = frozenset({Phase.PRE_HOOKS, Phase.CONTEXT, Phase.SESSION, Phase.POST_HOOKS})
"""The phases that the runner announces; their times are the keeper's."""


class Phases:
    """Enters phases in order, writing `phase.started` and `phase.finished`."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._open: tuple[Phase, datetime] | None = None
        self.durations_s: dict[Phase, float] = {}

    def enter(self, phase: Phase) -> None:
        """Close the phase before and open this one; entering the open one, or going back, changes nothing."""
        if self._reached() >= _ORDER.index(phase):
            return
        self.close()
        self._open = (phase, self._clock.now())
        self._log.append(PhaseStarted(phase=phase))

    def close(self) -> None:
        if self._open is None:
            return
        phase, since = self._open
        self._open = None
        self.durations_s[phase] = round((self._clock.now() - since).total_seconds(), 3)
        self._log.append(PhaseFinished(phase=phase, duration_s=self.durations_s[phase]))

    def recover(self, written: list[AnyEvent]) -> None:
        """Take up where the events of a keeper that died end."""
        for event in written:
            if isinstance(event, PhaseStarted):
                self._open = (event.phase, datetime.fromisoformat(event.ts))
            elif isinstance(event, PhaseFinished):
                self._open = None
                self.durations_s[event.phase] = event.duration_s

    def _reached(self) -> int:
        if self._open:
            return _ORDER.index(self._open[0])
        return max((_ORDER.index(phase) for phase in self.durations_s), default=-1)
