"""What a rehearsal expects is looked for, and not for ever."""

from __future__ import annotations

import re

import pytest

from freehold.models.expectation import is_met


@pytest.mark.parametrize(
    ("pattern", "text", "met"),
    [
        ("feat|fix", "a fix: b", True),
        ("feat|fix", "docs", False),
        (r"^\d+ files?$", "one\n12 files\n", True),
        (r"^\d+ files?$", "twelve files", False),
        ("ä+", "x ää y", True),
        ("a{2}", "\0\n\x1b a\ud800a aa", True),
    ],
)
def test_it_is_found_or_not(pattern: str, text: str, met: bool) -> None:
    assert is_met(re.compile(pattern, re.MULTILINE), text) is met


def test_one_that_takes_for_ever_is_given_up() -> None:
    assert is_met(re.compile("^(a+)+$"), "a" * 64 + "!", deadline_s=0.5) is None
