"""What is told to who presses Ctrl-C during a push."""

from __future__ import annotations

import pytest

from freehold.cli.push_interrupted import interrupted
from freehold.cli.push_progress import PushProgress
from freehold.deploy.plan import Plan
from freehold.deploy.step import Step
from freehold.server.release import ReleaseRecord


def release(name: str) -> ReleaseRecord:
    return ReleaseRecord(id=name, project="shop", content="", program="", pushed_at="", pushed_by="", version="")


NEW, OLD = release("new"), release("old")
FIRST, NEXT, SAME = Plan("shop", NEW, None, ()), Plan("shop", NEW, OLD, ()), Plan("shop", OLD, OLD, ())
UNTIL = (Step.LEASE, Step.PACKAGES, Step.PROGRAM, Step.RELEASE, Step.UNITS, Step.EDGE)
HALFWAY = (Step.SWITCH, Step.RESTART, Step.HEALTH)
CASES = [
    *((FIRST, step, "no release counts there yet") for step in UNTIL),
    *((NEXT, step, "release old counts as before") for step in UNTIL),
    *((FIRST, step, "whether release new is well was not seen") for step in HALFWAY),
    *((SAME, step, "whether release old is well was not seen") for step in HALFWAY),
    *((NEXT, step, "release new may count by now. Unless it is well, the server goes back to old") for step in HALFWAY),
    (NEXT, Step.PRUNE, "release new counts, and is well"),
]


@pytest.mark.parametrize(("plan", "furthest", "told"), CASES)
def test_it_is_said_what_counts(plan: Plan, furthest: Step, told: str) -> None:
    said = interrupted("prod", plan, furthest)
    assert said.startswith(f"shop on prod: {told}")
    assert said.endswith("the same push again does what is left")


def test_who_goes_back_was_further() -> None:
    progress = PushProgress("", quiet=True)
    for step in (Step.RELEASE, Step.SWITCH, Step.HEALTH, Step.UNITS, Step.SWITCH):
        progress.began(step)
    assert progress.furthest is Step.HEALTH
