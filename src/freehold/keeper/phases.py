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

    @property
    def current(self) -> Phase | None:
        return self._open[0] if self._open else None

    def enter(self, phase: Phase) -> None:
        """Close the phase before and open this one; entering the open one, or going back, changes nothing.

        Raises DISK, as `close` does; what could not be written did not happen.
        """
        if self._reached() >= _ORDER.index(phase):
            return
        self.close()
        now = self._clock.now()
        self._log.append(PhaseStarted(phase=phase))
        self._open = (phase, now)

    def close(self) -> None:
        if self._open is None:
            return
        phase, since = self._open
        duration_s = round((self._clock.now() - since).total_seconds(), 3)
        self._log.append(PhaseFinished(phase=phase, duration_s=duration_s))
        self._open = None
        self.durations_s[phase] = duration_s

    def recover(self, event: AnyEvent) -> None:
        """Take up where a keeper that died ended: told each of its events, in order."""
        if isinstance(event, PhaseStarted):
            self._open = (event.phase, datetime.fromisoformat(event.ts))
        elif isinstance(event, PhaseFinished):
            self._open = None
            self.durations_s[event.phase] = event.duration_s

    def _reached(self) -> int:
        if self._open:
            return _ORDER.index(self._open[0])
        return max((_ORDER.index(phase) for phase in self.durations_s), default=-1)
