"""Calls between agents whose every place is held by somebody who waits."""

from __future__ import annotations

import pytest

from freehold.scheduler.knot import OpenCall, is_knot

ONE_EACH = {"a": 1, "b": 1, "c": 1}
BOTH = {"a-1": "a", "b-1": "b"}
CASES: dict[str, tuple[OpenCall, list[OpenCall], dict[str, str], dict[str, int], bool]] = {
    "a free place": (OpenCall("a-1", "b"), [], {"a-1": "a"}, ONE_EACH, False),
    "a place that will be free": (OpenCall("a-1", "b"), [], BOTH, ONE_EACH, False),
    "each holds what the other wants": (OpenCall("a-1", "b"), [OpenCall("b-1", "a")], BOTH, ONE_EACH, True),
    "there are two places": (OpenCall("a-1", "b"), [OpenCall("b-1", "a")], BOTH, {"a": 2, "b": 1}, False),
    "another one of them will end": (
        OpenCall("a-1", "b"), [OpenCall("b-1", "a")], {**BOTH, "b-2": "b"}, {"a": 1, "b": 2}, False,
    ),
    "both of them wait": (
        OpenCall("a-1", "b"), [OpenCall("b-1", "a"), OpenCall("b-2", "a")], {**BOTH, "b-2": "b"}, {"a": 1, "b": 2},
        True,
    ),
    "round three": (
        OpenCall("a-1", "b"), [OpenCall("b-1", "c"), OpenCall("c-1", "a")], {**BOTH, "c-1": "c"}, ONE_EACH, True,
    ),
    "what was called is under way": (
        OpenCall("b-1", "c"), [OpenCall("a-1", "b", "b-1")], BOTH, ONE_EACH, False,
    ),
    "what was called waits for its caller's place": (
        OpenCall("b-1", "c"), [OpenCall("a-1", "b", "b-1"), OpenCall("c-1", "a")], {**BOTH, "c-1": "c"}, ONE_EACH, True,
    ),
    "what was called has ended": (
        OpenCall("b-1", "a"), [OpenCall("a-1", "c", "c-9")], BOTH, ONE_EACH, False,
    ),
    "an agent that is not known": (OpenCall("a-1", "x"), [], BOTH, ONE_EACH, False),
    "a caller that has ended": (OpenCall("a-9", "b"), [], BOTH, ONE_EACH, False),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_who_would_wait_for_ever(case: str) -> None:
    new, calls, runs, scales, knot = CASES[case]
    assert is_knot(new, calls, runs, scales) is knot
