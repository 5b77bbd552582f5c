"""Whether a request fits the budgets: arithmetic only (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from msgspec import structs

from freehold.models.spend import Amount, Book, Hold
from freehold.project.budget import Budget

DEFAULT_OUTPUT = 32_000
"""Tokens a request may be answered with when it sets no bound itself and a budget is to hold: what opencode asks for,
and far above an ordinary turn."""
LEAST_OUTPUT = 1_024
"""Fewer tokens than this (beside those for thinking) are no answer: the budget counts as spent rather."""


@dataclass(frozen=True)
class Claim:
    """The worst case of one request.

    `fixed` is what its input costs at most, and its turn. The answer may have `most_output` tokens, at
    `usd_micro_per_output` each; fewer will do, down to `least_output`.
    """

    run_id: str
    agent: str
    day: str
    fixed: Amount
    most_output: int
    least_output: int
    usd_micro_per_output: float = 0.0

    def amount(self, output: int) -> Amount:
        cost = -int(-output * self.usd_micro_per_output // 1)  # rounded up
        return self.fixed + Amount(usd_micro=cost, tokens=output)


@dataclass(frozen=True)
class Budgets:
    """The project's budget and the agent's: each holds, so the smaller wins."""

    project: Budget = field(default_factory=Budget)
    agent: Budget = field(default_factory=Budget)

    @property
    def in_usd(self) -> bool:
        return self.project.in_usd or self.agent.in_usd

    @property
    def bounding(self) -> bool:
        """Whether the length of an answer matters to any of them."""
        return self.in_usd or self.project.tokens_per_run is not None or self.agent.tokens_per_run is not None


@dataclass(frozen=True)
class Granted:
    hold: Hold
    output: int
    """Tokens that the answer may have."""


@dataclass(frozen=True)
class Overrun:
    """A limit that the request does not fit under; money in dollars."""

    limit: str
    level: str
    """`project` or `agent`."""
    allowed: float
    taken: float
    wanted: float
    passing: bool = False
    """It would fit were nothing set aside for requests under way: worth waiting for them."""

    @property
    def spent(self) -> bool:
        """Whether nothing at all is left."""
        return self.taken >= self.allowed

    def message(self, agent: str) -> str:
        file = "config.toml" if self.level == "project" else f"agents/{agent}/config.toml"
        where = f"{file}: budget.{self.limit} = {_number(self.limit, self.allowed)}"
        taken = _number(self.limit, self.taken)
        if self.spent:
            return f"the budget is spent: {where}, and {taken} is used"
        return (
            f"the budget does not hold another request: {where}, {taken} is used or set aside, and this request could "
            f"take up to {_number(self.limit, self.wanted)}"
        )

    @property
    def hint(self) -> str:
        return f"raise budget.{self.limit}, or give the agent a cheaper model or a smaller task"


def _number(limit: str, value: float) -> str:
    return f"{value:.4f} USD" if limit.startswith("usd") else f"{value:.0f}"


def grant(budgets: Budgets, book: Book, claim: Claim) -> Granted | Overrun:
    """Set aside the worst case of a request, or say which limit it does not fit under.

    It is granted as many tokens of answer as every limit still pays for.
    """
    output = max(claim.least_output, min([claim.most_output, *_affordable(budgets, book, claim)]))
    amount = claim.amount(output)
    overrun = next(_overruns(budgets, book, claim, amount), None)
    if overrun is None:
        return Granted(Hold(claim.run_id, claim.agent, claim.day, amount), output)
    if not book.holds:
        return overrun
    alone = grant(budgets, structs.replace(book, holds={}), claim)
    return replace(overrun, passing=True) if isinstance(alone, Granted) else alone


def _rules(budgets: Budgets, book: Book, claim: Claim) -> Iterator[tuple[str, str, float | None, Amount]]:
    """Every limit that there is: its name, its level, its value, and what counts against it so far."""
    run = book.of_run(claim.run_id)
    days = {"project": book.of_day(claim.day), "agent": book.of_agent(claim.day, claim.agent)}
    month = claim.day[:7]
    months = {"project": book.of_month(month), "agent": book.of_agent_in_month(month, claim.agent)}
    for level, budget in (("agent", budgets.agent), ("project", budgets.project)):
        yield "turns_per_run", level, budget.turns_per_run, run
        yield "tokens_per_run", level, budget.tokens_per_run, run
        yield "usd_per_run", level, budget.usd_per_run, run
        yield "usd_per_day", level, budget.usd_per_day, days[level]
        yield "usd_per_month", level, budget.usd_per_month, months[level]


def _overruns(budgets: Budgets, book: Book, claim: Claim, amount: Amount) -> Iterator[Overrun]:
    for limit, level, allowed, taken in _rules(budgets, book, claim):
        if allowed is not None and _measure(limit, taken) + _measure(limit, amount) > _units(limit, allowed):
            scale = 1_000_000 if limit.startswith("usd") else 1
            yield Overrun(limit, level, allowed, _measure(limit, taken) / scale, _measure(limit, amount) / scale)


def _affordable(budgets: Budgets, book: Book, claim: Claim) -> Iterator[int]:
    """How many tokens of answer each limit still pays for."""
    for limit, _, allowed, taken in _rules(budgets, book, claim):
        if allowed is None or limit == "turns_per_run":
            continue
        left = _units(limit, allowed) - _measure(limit, taken) - _measure(limit, claim.fixed)
        price = claim.usd_micro_per_output if limit.startswith("usd") else 1.0
        if price > 0:
            yield int(min(max(0, left) / price, claim.most_output))


def _measure(limit: str, amount: Amount) -> int:
    if limit.startswith("usd"):
        return amount.usd_micro
    return amount.tokens if limit == "tokens_per_run" else amount.turns


def _units(limit: str, value: float) -> int:
    return int(value * 1_000_000 + 0.5) if limit.startswith("usd") else int(value)
