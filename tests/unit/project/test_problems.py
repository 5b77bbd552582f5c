from __future__ import annotations

from freehold.project.problems import Problems


def test_not_more_is_told_than_anybody_reads() -> None:
    problems, others = Problems(), Problems()
    for number in range(150):
        problems.error("config.toml", f"key{number}", "is unknown")
        problems.error("config.toml", f"key{number}", "is unknown")
        problems.warning("config.toml", f"key{number}", "is old")
        others.error("other.toml", f"key{number}", "is unknown")
    problems.include(others)
    assert (len(problems.errors), len(problems.warnings)) == (100, 100)
    assert problems.errors[99].path == "key99"
