"""The wait-for graph: what is a deadlock, and what only looks like one."""

from __future__ import annotations

import pytest

from freehold.scheduler.deadlock import cycle

CASES = [
    ("free", "a", "r1", {}, [], []),
    ("held by another", "a", "r1", {"r1": "b"}, [], []),
    ("each wants what the other has", "a", "r1", {"r1": "b", "r2": "a"}, [("b", "r2")], ["a", "r1", "b", "r2", "a"]),
    ("the other waits for a third", "a", "r1", {"r1": "b", "r2": "c"}, [("b", "r2")], []),
    ("three in a ring", "a", "r1", {"r1": "b", "r2": "c", "r3": "a"}, [("b", "r2"), ("c", "r3")],
     ["a", "r1", "b", "r2", "c", "r3", "a"]),
    ("others in a ring, without it", "a", "r1", {"r1": "b", "r2": "c"}, [("b", "r2"), ("c", "r1")], []),
    ("it holds nothing", "a", "r1", {"r1": "b"}, [("b", "r2")], []),
    ("what the other waits for is free by now", "a", "r1", {"r1": "b"}, [("b", "r2"), ("a", "r1")], []),
    ("two ways, one of them a ring", "a", "r1", {"r1": "b", "r2": "c", "r3": "a"}, [("b", "r2"), ("b", "r3")],
     ["a", "r1", "b", "r3", "a"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("run_id", "uri", "holders", "waits", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_way_back(
    run_id: str, uri: str, holders: dict[str, str], waits: list[tuple[str, str]], expected: list[str]
) -> None:
    assert cycle(run_id, uri, holders, waits) == expected
