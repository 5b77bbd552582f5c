"""The model gateway of one run: what its harness asks of models, and everything between the two."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace

import msgspec
from aiohttp import web

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.nesting import is_too_deep
from freehold.base.pace import Pace
from freehold.base.plain_text import clipped
from freehold.base.redaction import Redaction
from freehold.base.secret import redact
from freehold.models.admission import MOST_AT_ONCE, Admitted, Gate
from freehold.models.attempt import Begun, Failure
from freehold.models.call import ModelCall, named_models, parse_call
from freehold.models.circuit import Circuit
from freehold.models.facts import GONE, FactSink, answered, refused
from freehold.models.fallback import Models, begin_answer
from freehold.models.guard import BudgetGuard
from freehold.models.headers import answer_headers
from freehold.models.listing import list_models, show_model
from freehold.models.model import Model
from freehold.models.policy import ModelPolicy
from freehold.models.record import Recorder, Watch
from freehold.models.refusal import Refusal, refuse
from freehold.models.rehearsal import Rehearsal
from freehold.models.rehearsal_model import RehearsalModel
from freehold.models.relay import Relay
from freehold.models.routes import FAMILY_FORMATS, Operation, Route, family_of, find_route
from freehold.models.server_tools import check_server_tools
from freehold.project.wire_formats import WireFormat

_REFUSALS_PER_S, _BURST_REFUSALS = 1, 100
"""How many refusals become facts: an agent that is refused all the time does not fill its run's events with them."""

_LONGEST_ERROR = 500

_log = logging.getLogger(__name__)


class ModelGateway:
    """Answers `/model/anthropic|openai|google/…` for one run.

    The server must be made with `handler_cancellation=True`, so that an answer is given up as soon as its harness is
    gone; without it a harness that leaves is noticed at the next write only.
    `on_request` is told every request once, also those that failed. `close()` ends what is under way.
    """

    def __init__(
        self,
        policy: ModelPolicy,
        guard: BudgetGuard,
        http: Model,
        clock: Clock,
        on_request: FactSink,
        *,
        circuit: Circuit | None = None,
        rehearsal: Rehearsal | None = None,
        recorder: Recorder | None = None,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Raises `FreeholdError` when the policy would send a key where it does not belong."""
        policy.check()
        self._policy = policy
        self._on_request = on_request
        rehearsed = RehearsalModel(rehearsal) if rehearsal else None
        self._models = Models(http, rehearsed, guard, circuit or Circuit(), clock, on_request)
        self._recorder = recorder
        self._most_at_once = most_at_once
        self._gate = Gate(clock)
        self._refusals = Pace(_REFUSALS_PER_S, _BURST_REFUSALS)
        self._tasks: set[asyncio.Task[object]] = set()
        self._closed = False
        self.rate_limited = ""
        """Why the last request for an answer was not answered, when every model was rate limited; else empty.
        A run that ends in this state ended rate limited (exit code 12)."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of the harness. Whatever goes wrong is told in the words of its wire format."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        admitted = self._gate.admit()
        try:
            return await self._handle(request, admitted)
        finally:
            admitted.release()
            self._tasks.discard(task)

    async def close(self) -> None:
        """The run is over: end every request under way; each is still charged and told."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await asyncio.wait({task})

    async def _handle(self, request: web.Request, admitted: Admitted) -> web.StreamResponse:
        wire_format = FAMILY_FORMATS.get(family_of(request.rel_url.raw_path), WireFormat.OPENAI_CHAT)
        model, routed = "", False
        try:
            route = find_route(request.method, request.rel_url.raw_path, dict(request.query))
            wire_format, model, routed = route.wire_format, route.model, True
            if route.operation in (Operation.LIST, Operation.SHOW):
                return _listed(self._policy, request, route)
            self._refuse_when_full()
            call = parse_call(route, await admitted.read(request))
            model = call.model
            self._check(call)
            return await self._answer(request, call, admitted)
        except FreeholdError as error:
            refusal = refuse(wire_format, self._redacted(error))
            # What knocks at other doors (Claude Code asks HEAD / at its start) asked no model.
            if routed and self._refusals.allows(self._models.clock.monotonic()):
                self._on_request(refused(wire_format, model, refusal.status, self._redacted(error)))
            return _response(refusal)
        except Exception:
            # A defect of ours; the harness shall not wait for an answer, and hears of it in words that it knows.
            _log.exception("a request to a model could not be passed")
            defect = FreeholdError(Code.INTERNAL, "the model gateway failed", "the keeper's log says more")
            return _response(refuse(wire_format, defect))

    def _refuse_when_full(self) -> None:
        if self._closed:
            raise FreeholdError(Code.DENIED, "the run is over: no model is asked any more")
        if len(self._tasks) > self._most_at_once:
            raise FreeholdError(
                Code.RATE_LIMITED, f"more than {self._most_at_once} requests to models are under way in this run",
                "wait until some of them are answered",
            )  # fmt: skip

    def _check(self, call: ModelCall) -> None:
        """What a request may ask for at all. Raises `FreeholdError`."""
        for named in named_models(call.body):
            self._policy.candidates(named, call.route.wire_format)
        check_server_tools(call.route.wire_format, call.body, self._policy.server_tools)

    async def _answer(self, request: web.Request, call: ModelCall, admitted: Admitted) -> web.StreamResponse:
        candidates = self._policy.candidates(call.model, call.route.wire_format)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            outcome = await begin_answer(self._models, call, candidates, headers)
        except FreeholdError as error:
            if call.turn:
                self.rate_limited = error.message if error.code is Code.RATE_LIMITED else ""
            raise
        if call.turn:
            self.rate_limited = ""
        if isinstance(outcome, Failure):
            return _response(self._failure(call, outcome))
        watch = self._recorder.watch(call) if self._recorder else None
        call.forget_body()
        admitted.release()
        return await self._show(request, call, outcome, watch)

    async def _show(
        self, request: web.Request, call: ModelCall, begun: Begun, watch: Watch | None
    ) -> web.StreamResponse:  # fmt: skip
        relay = Relay(request, call.route.wire_format, begun, self._policy.keys, watch)
        error = GONE.message
        try:
            response = await relay.run()
            error = relay.error
            return response
        finally:
            await begun.answer.close()
            charge = begun.bill.charge(begun.reading)
            self._on_request(answered(call, begun, charge, clipped(redact(error, self._policy.keys), _LONGEST_ERROR)))
            await begun.bill.settle(charge)

    def _failure(self, call: ModelCall, failure: Failure) -> Refusal:
        """What the harness is told: the provider's own words, without its key, where they are about the request."""
        ours = refuse(call.route.wire_format, self._redacted(failure.error))
        if not failure.passes:
            return ours
        try:
            said = msgspec.json.decode(failure.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        if not isinstance(said, dict | list) or is_too_deep(said):
            return replace(ours, status=failure.status)
        # Looked for in what was read, not in the bytes: there a key may be written with escapes.
        body = msgspec.json.encode(Redaction(self._policy.keys).value(said))
        headers = answer_headers(failure.headers, self._policy.keys)
        return Refusal(failure.status, body, {**headers, "content-type": "application/json"})

    def _redacted(self, error: FreeholdError) -> FreeholdError:
        keys = self._policy.keys
        return FreeholdError(error.code, redact(error.message, keys), redact(error.hint, keys))


def _response(refusal: Refusal) -> web.Response:
    return web.Response(status=refusal.status, headers=refusal.headers, body=refusal.body)


def _listed(policy: ModelPolicy, request: web.Request, route: Route) -> web.Response:
    family = family_of(request.rel_url.raw_path)
    table = (
        list_models(family, policy) if route.operation is Operation.LIST else show_model(family, policy, route.model)
    )
    return web.json_response(table)
