"""Through the agent's models until one answers: in order, around those that are rate limited, and then again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.models.attempt import Begun, Failure, look_at
from freehold.models.backoff import backoff, soonest
from freehold.models.bill import FREE, Bill, open_bill
from freehold.models.call import ModelCall, upstream_body
from freehold.models.circuit import Circuit
from freehold.models.facts import GONE, FactSink, failed
from freehold.models.guard import BudgetGuard
from freehold.models.model import Answer, Ask, Model
from freehold.models.policy import PolicyModel
from freehold.models.reading import Reading
from freehold.project.wire_formats import WireFormat

_INCLUDE_USAGE = frozenset({"openai", "groq", "xai", "openrouter", "custom"})
"""Providers that end a stream with its usage when asked. Mistral does unasked, and refuses what it does not know."""
_NOT_ASKED = frozenset({Code.UNREACHABLE, Code.CONFIG, Code.DENIED, Code.REHEARSAL})
"""Failures before a provider began to work, for which nothing is charged."""


_DEFECT = FreeholdError(Code.INTERNAL, "the model gateway failed", "the keeper's log says more")


@dataclass(frozen=True)
class Models:
    """Who is asked and who keeps count: what the requests of one run share."""

    http: Model
    rehearsal: Model | None
    guard: BudgetGuard
    circuit: Circuit
    clock: Clock
    on_request: FactSink

    def model_for(self, model: PolicyModel) -> Model:
        if not model.rehearsed:
            return self.http
        if self.rehearsal is None:
            raise FreeholdError(
                Code.REHEARSAL, f'the model "{model.name}" is a rehearsal, and this run has none',
                "run it with --rehearse, or write rehearsal.yaml in the agent's folder",
            )  # fmt: skip
        return self.rehearsal


async def begin_answer(
    models: Models, call: ModelCall, candidates: tuple[PolicyModel, ...], headers: Mapping[str, str]
) -> Begun | Failure:  # fmt: skip
    """An answer that has begun, or the failure to show (already settled and told).

    Raises `FreeholdError`: `RATE_LIMITED` when every model stayed busy, `BUDGET`, `REHEARSAL`, or that of the ledger.
    """
    waited_s, attempt, first_failed = 0.0, 0, ""
    while True:
        failures: list[Failure] = []
        for model in models.circuit.order(candidates, models.clock.monotonic()):
            outcome = await _try(models, call, model, headers, first_failed)
            if isinstance(outcome, Begun) or outcome.passes:
                return outcome
            if outcome.error.code is Code.REHEARSAL:
                raise outcome.error
            first_failed = first_failed or model.name
            failures.append(outcome)
        busy = [failure for failure in failures if failure.busy]
        if not busy:
            return failures[-1]
        attempt += 1
        delay = backoff(attempt, soonest(failure.retry_after_s for failure in busy), waited_s)
        if delay is None:
            raise _exhausted(busy)
        await models.clock.sleep(delay)
        waited_s += delay


async def _try(
    models: Models, call: ModelCall, model: PolicyModel, headers: Mapping[str, str], first_failed: str
) -> Begun | Failure:  # fmt: skip
    try:
        bill = await open_bill(models.guard, models.clock, call, model)
    except FreeholdError as error:
        if error.code is Code.CONFIG and first_failed:
            return Failure(model, 0, error)  # a fallback without a known price is passed over
        raise
    outcome = await _ask(models, call, model, bill, headers)
    if isinstance(outcome, Begun):
        models.circuit.reset(model)
        return replace(outcome, fallback_from=first_failed)
    if outcome.busy:
        models.circuit.trip(model, models.clock.monotonic())
    return outcome


async def _ask(
    models: Models, call: ModelCall, model: PolicyModel, bill: Bill, headers: Mapping[str, str]
) -> Begun | Failure:  # fmt: skip
    """Ask one model; whatever does not become an answer is settled and told here."""
    asked_at = models.clock.monotonic()
    answer: Answer | None = None
    try:
        answer = await models.model_for(model).ask(Ask(call, model, _body_for(call, model, bill), headers))
        outcome = await look_at(answer, model, bill, call.route.wire_format, asked_at, models.clock)
    except FreeholdError as error:
        outcome = Failure(model, 0, error)
    except asyncio.CancelledError:  # the harness went away, or the run ended
        await _give_up(models, call, bill, answer, Failure(model, 0, GONE))
        raise
    except Exception:  # a defect of ours, told by the gateway; what was set aside must not stay so until the run ends
        await _give_up(models, call, bill, answer, Failure(model, 0, _DEFECT))
        raise
    if isinstance(outcome, Failure):
        await _give_up(models, call, bill, answer, outcome)
    return outcome


async def _give_up(
    models: Models, call: ModelCall, bill: Bill, answer: Answer | None, failure: Failure
) -> None:  # fmt: skip
    if answer is not None:
        await answer.close()
    refused = failure.status >= 400 or failure.error.code in _NOT_ASKED
    charge = FREE if refused else bill.charge(Reading())
    models.on_request(failed(call, bill, failure, charge))
    await bill.settle(charge)


def _body_for(call: ModelCall, model: PolicyModel, bill: Bill) -> bytes:
    chat = call.route.wire_format is WireFormat.OPENAI_CHAT
    return upstream_body(
        call, model.model,
        include_usage=chat and model.provider in _INCLUDE_USAGE,
        # Others than OpenAI know the older name only.
        output_key="max_tokens" if chat and model.provider != "openai" else "",
        most_output=bill.bound,
    )  # fmt: skip


def _exhausted(busy: list[Failure]) -> FreeholdError:
    names = ", ".join(
        failure.model.name + (f" (again in {failure.retry_after_s:.0f} s)" if failure.retry_after_s else "")
        for failure in busy
    )
    return FreeholdError(
        Code.RATE_LIMITED, f"every model of this agent is rate limited or overloaded: {names}",
        "list a model of another provider for this agent, or try again later",
    )  # fmt: skip
