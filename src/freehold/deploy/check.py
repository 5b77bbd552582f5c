"""Checks of a server: what they find, in their order, and what is repaired on the way.

A check judges facts and does nothing; its repair is commands. Whoever adds one writes a pure function, and a line in a
list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from freehold.base.errors import FreeholdError
from freehold.hosts.host import Command, Host

Facts = TypeVar("Facts")
Fix = Callable[[str], bool]
"""Asked with each offer; True to have it done."""


class State(StrEnum):
    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    WARN = "warn"
    FIXED = "fixed"
    SKIP = "skip"


@dataclass(frozen=True)
class Verdict:
    """What a check says of the facts; `hint` is what to do."""

    state: State
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Repair:
    """`offer` says what is changed on the server, as the start of a question. The commands are run in their order,
    until one fails; then `work` is done, which raises `FreeholdError` when it cannot be."""

    offer: str
    commands: tuple[Command, ...] = ()
    work: Callable[[Host], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Check(Generic[Facts]):
    """`judge` decides by the facts alone. Where it fails and there is a `repair` for these facts, that can be done."""

    name: str
    judge: Callable[[Facts], Verdict]
    repair: Callable[[Facts], Repair | None] = lambda _facts: None


@dataclass(frozen=True)
class Result:
    """One line of the answer. `fixable` says that `--fix` would have something to do."""

    name: str
    state: State
    message: str
    hint: str = ""
    fixable: bool = False


async def run_checks(
    host: Host,
    checks: Sequence[Check[Facts]],
    gather: Callable[[], Awaitable[Facts]],
    *,
    fix: Fix | None = None,
) -> list[Result]:
    """All results, in the order of the checks. With `fix`, which is asked with each offer, what fails is repaired, the
    facts are gathered anew, and the check judges again. Raises what `gather` raises."""
    facts = await gather()
    results = []
    for check in checks:
        verdict, repair = check.judge(facts), check.repair(facts)
        if verdict.state is not State.FAIL:
            repair = None
        if repair and fix and fix(f"{check.name}: {verdict.message}\n{repair.offer}"):
            problem = await _apply(host, repair)
            facts = await gather()
            verdict = _after(check.judge(facts), problem, repair)
            repair = None
        results.append(Result(check.name, verdict.state, verdict.message, verdict.hint, fixable=repair is not None))
    return results


def _after(verdict: Verdict, problem: str, repair: Repair) -> Verdict:
    if verdict.state is State.PASS:
        return Verdict(State.FIXED, f"{verdict.message}; done: {repair.offer}")
    return Verdict(verdict.state, f"{verdict.message}; the repair failed: {problem}" if problem else verdict.message)


async def _apply(host: Host, repair: Repair) -> str:
    """Why it could not be done; empty when it was."""
    for command in repair.commands:
        try:
            outcome = await host.run(command)
        except FreeholdError as error:
            return error.message
        if outcome.status:
            return outcome.complaint or f"exit code {outcome.status}"
    if repair.work:
        try:
            await repair.work(host)
        except FreeholdError as error:
            return error.message
    return ""
