"""What one request is charged: the worst case before it, the truth after it, an estimate when it was cut."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.models.budget import DEFAULT_OUTPUT, LEAST_OUTPUT
from freehold.models.call import ModelCall
from freehold.models.guard import BudgetGuard, Reservation
from freehold.models.policy import PolicyModel
from freehold.models.prices import Price, look_up_price
from freehold.models.reading import Reading
from freehold.models.routes import Operation
from freehold.models.spend import Amount, micro_usd
from freehold.models.tokens import Tokens
from freehold.project.problems import dotted
from freehold.wire.runs import Usage

_PER_MILLION = 1_000_000
CUT_BYTES_PER_TOKEN = 3
"""Of what a cut answer had said so far: a little more than it was, never much less."""
CUT_TOKENS_PER_S = 100
"""What a model may have written unseen (thoughts that are not shown) until it was cut: the fast half of frontier
models; bounded by what was set aside."""


@dataclass(frozen=True)
class Charge:
    """What a request came to. `cost_usd` is None when the price is not known."""

    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0
    amount: Amount = field(default_factory=Amount)


FREE = Charge()
"""Of a request that was refused before it was worked on, and of a count."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bill:
    """An amount set aside for a request to one model, waiting to be settled. Every bill is settled exactly once.

    A count of tokens is free: it has no reservation.
    """

    guard: BudgetGuard
    reservation: Reservation | None
    price: Price | None
    turn: bool
    clock: Clock
    opened_at: float
    likely_input: int
    """Tokens, for an answer that does not say."""
    asked_context: dict[str, str]
    bound: int | None
    """Tokens to bound the answer by, where a budget does not hold what the request asks for."""

    def charge(self, reading: Reading) -> Charge:
        """What the answer reported, or an estimate when it did not come to that."""
        if self.reservation is None:
            return FREE
        whole = reading.finished and reading.tokens is not None
        tokens = reading.tokens if whole and reading.tokens else self._estimate(reading, self.reservation.output)
        context = {**self.asked_context, **reading.context}
        cost = self.price.cost(tokens, self.clock.now(), context) if self.price else None
        return Charge(
            tokens.as_usage(turn=self.turn),
            None if cost is None else float(cost),
            Amount(micro_usd(cost or Decimal(0)), tokens.total, int(self.turn)),
        )

    async def settle(self, charge: Charge) -> None:
        """Charge this instead of what was set aside. A disk that fails now is logged: what was set aside stays so, and
        the next request will not be granted."""
        if self.reservation is None:
            return
        try:
            await self.guard.settle(self.reservation, charge.amount)
        except FreeholdError as error:
            _log.error("a request could not be charged: %s", error.message, extra={"run_id": self.guard.run_id})

    def _estimate(self, reading: Reading, most_output: int) -> Tokens:
        """What a cut answer used at least, and probably: nobody gets an answer for nothing by cutting it."""
        known = reading.tokens or Tokens(input=self.likely_input)
        elapsed_s = self.clock.monotonic() - self.opened_at
        written = max(-(-reading.text_bytes // CUT_BYTES_PER_TOKEN), int(elapsed_s * CUT_TOKENS_PER_S))
        return replace(known, output=max(known.output, min(written, most_output)))


async def open_bill(guard: BudgetGuard, clock: Clock, call: ModelCall, model: PolicyModel) -> Bill:
    """Set aside the worst case of asking `model`. Raises `FreeholdError`: `BUDGET`; `CONFIG` for a price not known."""
    if call.route.operation is not Operation.GENERATE:
        return Bill(guard, None, None, False, clock, clock.monotonic(), 0, {}, None)
    price = await look_up_price(model, clock.now())
    if guard.budgets.in_usd:
        _require_price(call, model, price)
    if guard.budgets.bounding and call.body.get("prediction"):
        # OpenAI bills what it predicted wrongly like an answer, beside the one that is bounded.
        raise FreeholdError(
            Code.DENIED, "predicted outputs cost more than their request allows to see, and a budget is set",
            "have the harness ask without `prediction`",
        )  # fmt: skip
    most_output = (call.most_output or DEFAULT_OUTPUT) * call.answers
    least_output = (call.least_output + LEAST_OUTPUT) * call.answers if guard.budgets.bounding else most_output
    fixed, per_output = _worst_case(call, price, clock)
    reservation = await guard.reserve(fixed, most_output, min(least_output, most_output), per_output)
    granted = reservation.output // call.answers
    bound = granted if guard.budgets.bounding and granted != call.most_output else None
    return Bill(
        guard=guard, reservation=reservation, price=price, turn=call.turn, clock=clock, opened_at=clock.monotonic(),
        likely_input=call.likely_input(), asked_context=call.price_context,
        bound=bound,
    )  # fmt: skip


def _require_price(call: ModelCall, model: PolicyModel, price: Price | None) -> None:
    """Under a budget in dollars nothing is asked whose price is not known."""
    if price is None:
        raise FreeholdError(
            Code.CONFIG,
            f'the price of the model "{model.name}" ({model.model}) is not known, and a budget in USD is set',
            f"say it under [{dotted(('models', model.name))}] in config.toml, in USD per million tokens: "
            "price = { input = 3.0, output = 15.0 } (0 where nothing is paid); "
            "or set a budget in tokens_per_run or turns_per_run instead",
        )  # fmt: skip
    if not price.knows(call.price_context):
        asked = ", ".join(f"{name} = {value}" for name, value in call.price_context.items())
        raise FreeholdError(
            Code.CONFIG,
            f'the price of the model "{model.name}" ({model.model}) is not known for what the request asks for '
            f"({asked}), and a budget in USD is set",
            "let the harness ask without it, or set a budget in tokens_per_run or turns_per_run instead",
        )  # fmt: skip


def _worst_case(call: ModelCall, price: Price | None, clock: Clock) -> tuple[Amount, float]:
    """What the request costs at most before a word is answered, and millionths of a dollar per token of answer."""
    tokens = call.most_input()
    if price is None:
        return Amount(tokens=tokens, turns=int(call.turn)), 0.0
    if price.context_window is not None:
        tokens = min(tokens, price.context_window)
    amounts = [_at_most(call, price, tokens, clock, context) for context in ({}, call.price_context)]
    # A tier that costs less may not be had, and then the request is answered at the usual price.
    return (
        Amount(max(usd_micro for usd_micro, _ in amounts), tokens, int(call.turn)),
        max(per_output for _, per_output in amounts),
    )


def _at_most(
    call: ModelCall, price: Price, tokens: int, clock: Clock, context: Mapping[str, str]
) -> tuple[int, float]:  # fmt: skip
    """Millionths of a dollar: for the request, and for a token of its answer."""
    now = clock.now()
    readings = [Tokens(input=tokens), Tokens(cache_write=tokens)]
    if call.caches:  # only Anthropic keeps it for an hour, and only when asked
        readings.append(Tokens(cache_write=tokens, cache_write_1h=tokens))
    dearest = max(price.cost(reading, now, context) for reading in readings)
    # Long requests raise the price of the answer too, so it is taken as the difference that an answer makes.
    answered = price.cost(Tokens(input=tokens, output=_PER_MILLION), now, context)
    per_output = float(answered - price.cost(Tokens(input=tokens), now, context))
    return micro_usd(dearest), per_output
