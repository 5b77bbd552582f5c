"""What is told to who interrupted a push: what counts now on the server, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freehold.deploy.step import Step

if TYPE_CHECKING:
    from freehold.deploy.plan import Plan

_COUNTS_AS_BEFORE = frozenset(list(Step)[: list(Step).index(Step.SWITCH)])
_IS_WELL = frozenset({Step.PRUNE, Step.UNLEASE})


def interrupted(environment: str, plan: Plan, furthest: Step) -> str:
    """`furthest` is the last step that was begun. Pure."""
    where = f"{plan.project} on {environment}"
    again = "the same push again does what is left"
    if furthest in _COUNTS_AS_BEFORE:
        serves = f"release {plan.before.id} counts as before" if plan.before else "no release counts there yet"
        return f"{where}: {serves}; {again}"
    if furthest in _IS_WELL:
        return f"{where}: release {plan.release.id} counts, and is well; {again}"
    if plan.before is None or not plan.is_new_release:
        return f"{where}: whether release {plan.release.id} is well was not seen; {again}"
    return (
        f"{where}: release {plan.release.id} may count by now. Unless it is well, the server goes back to "
        f"{plan.before.id} by itself within some two minutes; {again}"
    )
