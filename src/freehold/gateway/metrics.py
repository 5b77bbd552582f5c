"""Figures for Prometheus, in a registry of our own. Labels are names from the project, or words of ours: nothing that
somebody sends can add one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.scheduler import Scheduler
from freehold.wire.runs import RunView

CONTENT_TYPE = CONTENT_TYPE_LATEST
_DATABASE_CODES = frozenset({Code.UNREACHABLE, Code.DISK})


class Metrics:
    """`dead_letters` is asked for when figures are."""

    def __init__(self, scheduler: Scheduler) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, that nobody asks for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.dead_letters = 0
        self._deliveries: dict[tuple[str, str], Counter] = {}
        self._answers: dict[tuple[str, str, int], Histogram] = {}
        self.registry.register(_Standing(scheduler, self))
        self._runs = self._counter("runs", "Runs that have ended.", "agent", "result")
        self._cost = self._counter("cost_usd", "What models cost, in US dollars.", "agent")
        self._tokens = self._counter("tokens", "Tokens of models.", "agent", "kind")
        self._webhooks = self._counter("webhooks", "Deliveries of webhooks.", "source", "outcome")
        self._database = self._counter("database_errors", "Requests that the database failed.", "code")
        self._logins = self._counter("wrong_keys", "Tries with a key that nobody has.")
        self._requests = Histogram(
            "freehold_http_request_seconds", "Until an answer begins.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip

    def ended(self, view: RunView) -> None:
        """A run has ended, and is told of for the first time."""
        self._runs.labels(view.agent, view.result or "lost").inc()
        self._cost.labels(view.agent).inc(view.cost_usd or 0.0)
        for kind in ("input", "output", "cache_read", "cache_write"):
            self._tokens.labels(view.agent, kind).inc(getattr(view.usage, kind))

    def delivery(self, source: str, outcome: str) -> None:
        # What `labels` finds is kept: finding it takes longer than counting.
        counter = self._deliveries.get((source, outcome))
        if counter is None:
            counter = self._deliveries[source, outcome] = self._webhooks.labels(source, outcome)
        counter.inc()

    def failed(self, error: FreeholdError) -> None:
        if error.code in _DATABASE_CODES:
            self._database.labels(str(error.code)).inc()

    def wrong_key(self) -> None:
        self._logins.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        histogram = self._answers.get((method, route, status))
        if histogram is None:
            known = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
            histogram = self._requests.labels(known, route, str(status))
            if known == method:
                self._answers[method, route, status] = histogram
        histogram.observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"freehold_{name}", words, labels, registry=self.registry)


class _Standing(Collector):
    """How things stand when somebody asks."""

    def __init__(self, scheduler: Scheduler, metrics: Metrics) -> None:
        self._scheduler = scheduler
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        return ()  # names are told when they are asked for; nothing can be registered twice here

    def collect(self) -> Iterable[Metric]:
        dispatcher, agents = self._scheduler.dispatcher, self._scheduler.agents
        waiting = GaugeMetricFamily("freehold_queue_length", "Triggers that wait.", labels=("agent",))
        running = GaugeMetricFamily("freehold_runs_active", "Runs under way.", labels=("agent",))
        for name in agents.project.agents:
            waiting.add_metric((name,), dispatcher.queues.length(name))
            running.add_metric((name,), dispatcher.active_of(name))
        began = time.perf_counter()
        dispatcher.decide()
        tick_s = time.perf_counter() - began
        yield waiting
        yield running
        yield _gauge("dead_letters", "Triggers that were given up.", self._metrics.dead_letters)
        yield _gauge("held", "1 while nothing begins: paused, or a budget is spent.", bool(dispatcher.held))
        yield _gauge("keeper_up", "1 while the keeper answers.", not dispatcher.keeper_problem)
        yield _gauge("scheduler_tick_seconds", "How long it takes to decide what begins now.", tick_s)
        yield _gauge("spent_day_usd", "What was spent today (UTC), in US dollars.", dispatcher.spent.day_usd)
        yield _gauge("spent_month_usd", "What was spent this month (UTC).", dispatcher.spent.month_usd)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"freehold_{name}", words, value=float(value))
