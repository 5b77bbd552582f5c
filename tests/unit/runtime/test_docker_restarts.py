from __future__ import annotations

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.runtime.restarts import SILENCE_S, Restarts

AWAY = FreeholdError(Code.UNREACHABLE, "Docker is not running")


class Docker:
    """Answers `wait` from a list: an exit code, an error at once, or (seconds, error) after having listened."""

    def __init__(self, clock: FakeClock, *answers: int | FreeholdError | tuple[float, FreeholdError]) -> None:
        self._clock = clock
        self._answers = list(answers)

    async def wait(self) -> int:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, tuple):
            self._clock.advance(answer[0])
            answer = answer[1]
        if isinstance(answer, FreeholdError):
            raise answer
        return answer


async def test_a_restart_is_waited_through() -> None:
    clock = FakeClock()
    assert await Restarts(clock).through(Docker(clock, AWAY, AWAY, AWAY, 7).wait) == 7


async def test_a_docker_that_stays_away_is_told() -> None:
    clock = FakeClock()
    with pytest.raises(FreeholdError) as caught:
        await Restarts(clock).through(Docker(clock, AWAY).wait)
    assert caught.value is AWAY
    assert clock.monotonic() == SILENCE_S


async def test_every_restart_has_its_own_minute() -> None:
    clock = FakeClock()
    long_run = (3600.0, AWAY)
    assert await Restarts(clock).through(Docker(clock, long_run, AWAY, long_run, AWAY, long_run, 0).wait) == 0


async def test_another_error_is_not_waited_for() -> None:
    clock = FakeClock()
    gone = FreeholdError(Code.NOT_FOUND, "no such container")
    with pytest.raises(FreeholdError) as caught:
        await Restarts(clock).through(Docker(clock, AWAY, gone).wait)
    assert caught.value is gone
