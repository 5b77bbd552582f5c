"""What an agent may send at once, and that one run cannot take the keeper from the others."""

from __future__ import annotations

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.models.admission import Gate


@pytest.mark.parametrize(
    "data",
    [b"[" * 300_001, b'{"a":' * 300_001, b'"ab",' * 700_000, b"1," * 2_000_001],
    ids=["lists", "objects", "texts", "numbers"],
)
async def test_json_that_would_become_large_is_refused_before_it_is_read(data: bytes) -> None:
    with pytest.raises(FreeholdError) as failure:
        await Gate(FakeClock()).wait_for(data)
    assert failure.value.code is Code.TOO_LARGE


async def test_what_harnesses_send_is_not_held_up() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    code = b'{"messages": [{"role": "user", "content": "for (i = 0; i < n; i++) { f(a[i], \\"x\\"); }"}]}' * 5_000
    for _ in range(30):
        await gate.wait_for(code)
    assert clock.monotonic() == 0


async def test_who_sends_without_end_is_slowed_down() -> None:
    clock = FakeClock()
    gate = Gate(clock)
    for _ in range(500):
        await gate.wait_for(b"{}")
    assert 4 < clock.monotonic() < 6
    before = clock.monotonic()
    await gate.wait_for(b"x" * 30_000_000)
    assert clock.monotonic() - before > 2


def test_room_is_given_back() -> None:
    gate = Gate(FakeClock(), room=100)
    gate.take_room(60)
    with pytest.raises(FreeholdError) as failure:
        gate.take_room(60)
    assert failure.value.code is Code.RATE_LIMITED
    gate.take_room(-60)
    gate.take_room(-60)
    gate.take_room(100)
