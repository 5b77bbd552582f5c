"""Somebody's regular expressions, looked for with an end."""

from __future__ import annotations

import time

import pytest

from freehold.base.bounded_search import matching_lines
from freehold.base.errors import Code, FreeholdError

LINES = ["nothing", "an error: 42", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"]


@pytest.mark.parametrize(
    ("pattern", "found"), [("error", [1]), ("^n", [0]), (r"\d+", [1]), ("a{5,}b$", [2]), ("x", []), ("(?i)ERROR", [1])]
)
async def test_lines_are_found(pattern: str, found: list[int]) -> None:
    assert await matching_lines(pattern, LINES) == found


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<n>", "x" * 501])
async def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        await matching_lines(pattern, LINES)
    assert caught.value.code is Code.USAGE


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|aa)+$", "(.*)*$x", "([a-z]+)*=$"])
async def test_what_is_meant_to_hang_is_ended(pattern: str) -> None:
    began = time.monotonic()
    with pytest.raises(FreeholdError, match="takes longer than"):
        await matching_lines(pattern, [LINES[2]], deadline_s=0.5)
    assert time.monotonic() - began < 10
