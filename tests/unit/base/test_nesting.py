"""How deep a value is nested."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.base.nesting import is_too_deep


def nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value, "b": 1}
    return value


@pytest.mark.parametrize(("levels", "too_deep"), [(0, False), (1, False), (3, False), (4, True), (500, True)])
def test_lists_and_objects_count(levels: int, too_deep: bool) -> None:
    assert is_too_deep(nested(levels), deepest=3) is too_deep


def test_many_beside_each_other_are_no_deeper_than_one() -> None:
    assert not is_too_deep([nested(2)] * 10_000, deepest=3)
    assert is_too_deep([*[nested(1)] * 10_000, nested(3)], deepest=3)
