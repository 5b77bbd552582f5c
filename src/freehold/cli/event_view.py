"""Events as a person reads them: one line for what matters, indented text for what was said."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeVar

import msgspec
from click import style

from freehold.base.plain_text import one_line, printable
from freehold.base.words import duration, plural, size
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent
from freehold.wire.runs import Outcome, Phase, Result

Shown = TypeVar("Shown", bound=msgspec.Struct)

_OUTPUT_LINES = 8
_COMMAND_LINES = 4
_SHOWN_CHARACTERS = 300
_MARKS = {Result.COMPLETED: ("✓", "green"), Result.RERUN: ("↻", "yellow"), Result.KILLED: ("■", "yellow")}


_TEXTS = frozenset({"text", "output", "title", "value", "message", "hint", "return_value"})
"""Fields that may have several lines; whatever shows one of them on one line says so."""
_UNSHOWN = frozenset({"input", "trigger"})


class EventView:
    """Turns a run's events into text, piece by piece; messages that come in pieces read as one.

    `verbose` shows whole tool outputs, thoughts and every connection; `quiet` only how the run ended.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self._verbose = verbose
        self._quiet = quiet
        self._in_message = False
        self._refused: set[str] = set()
        self._views: dict[type, Callable[[Any], Iterator[str]]] = {
            wire.RunStarted: self._started,
            wire.RunFinished: self._finished,
            wire.PhaseStarted: self._phase,
            wire.BuildStep: self._build_step,
            wire.ModelRequest: self._model_request,
            wire.Egress: self._egress,
            wire.PermissionAsked: self._asked,
            wire.PermissionAnswered: self._answered,
            wire.TurnStarted: self._turn_started,
            wire.TurnFinished: self._turn_finished,
            wire.Limit: self._limit,
            wire.Thought: self._thought,
            wire.ToolStarted: self._tool_started,
            wire.ToolFinished: self._tool_finished,
            wire.HookOutput: self._hook,
            wire.Status: self._status,
            wire.Return: self._returned,
            wire.Log: self._log,
        }

    def text(self, event: AnyEvent) -> str:
        """What to print for `event`, newlines included; the empty string for what people need not see.

        Nothing that stands in the event drives the terminal, whoever said it: a run, a provider, an agent's author.
        """
        if self._quiet and not isinstance(event, wire.RunFinished):
            return ""
        event = harmless(event)
        if isinstance(event, wire.Message):
            return self._message(event)
        view = self._views.get(type(event))
        shown = "".join(f"{line}\n" for line in view(event)) if view else ""
        if shown and self._in_message:
            self._in_message = False
            return "\n" + shown
        return shown

    def _message(self, event: wire.Message) -> str:
        begun, self._in_message = self._in_message, True
        text = event.text
        return (text if begun else "  " + text.lstrip("\n")).replace("\n", "\n  ")

    def _started(self, event: wire.RunStarted) -> Iterator[str]:
        facts = [event.engine, event.image, event.harness, f"network {event.network}", ", ".join(event.models)]
        yield style("  " + " · ".join(fact for fact in facts if fact), dim=True)

    def _phase(self, event: wire.PhaseStarted) -> Iterator[str]:
        if event.phase is not Phase.QUEUE:
            yield style(f"▸ {event.phase.replace('_', ' ')}", fg="cyan")

    def _build_step(self, event: wire.BuildStep) -> Iterator[str]:
        yield style(f"  {event.image}: {one_line(event.text)}", dim=True)

    def _model_request(self, event: wire.ModelRequest) -> Iterator[str]:
        if event.error or event.fallback_from:
            told = f"model {event.model}: {event.error or 'answers'}"
            if event.fallback_from:
                told += f" (instead of {event.fallback_from})"
            yield style("  " + told, fg="yellow")
        elif self._verbose:
            used = f"{event.usage.input:,} in, {event.usage.output:,} out"
            yield style(f"  model {event.model}: {used}, {duration(event.duration_s)}", dim=True)

    def _egress(self, event: wire.Egress) -> Iterator[str]:
        where = f"{event.host}:{event.port}"
        if not event.allowed:
            if where in self._refused and not self._verbose:
                return  # clients try again and again; once is enough for a person
            self._refused.add(where)
            yield style(f"  network: {where} refused: {event.reason}", fg="yellow")
        elif self._verbose:
            nothing = not (event.bytes_out or event.bytes_in)
            passed = "" if nothing and event.reason else f", {size(event.bytes_out)} out, {size(event.bytes_in)} in"
            reason = f": {event.reason}" if event.reason else ""
            yield style(f"  network: {where}{passed}{reason}", dim=True)

    def _asked(self, event: wire.PermissionAsked) -> Iterator[str]:
        options = ", ".join(option.id for option in event.options)
        yield style(f"  permission {event.permission_id}: {one_line(event.title)} [{options}]", fg="magenta")

    def _answered(self, event: wire.PermissionAnswered) -> Iterator[str]:
        yield style(f"  permission {event.permission_id}: {event.option_id or 'cancelled'} (by {event.by})", dim=True)

    def _turn_started(self, event: wire.TurnStarted) -> Iterator[str]:
        for number, line in enumerate(event.text.strip().splitlines()):
            yield style(f"  {'  ' if number else '> '}{line}", bold=True)

    def _turn_finished(self, event: wire.TurnFinished) -> Iterator[str]:
        if event.error:
            yield style(f"  not answered: {one_line(event.error.message)}", fg="yellow")
            if event.error.hint:
                yield style(f"  → {one_line(event.error.hint)}", dim=True)
        elif event.stop_reason != "end_turn":
            yield style(f"  {event.stop_reason}", fg="yellow")
        yield ""

    def _limit(self, event: wire.Limit) -> Iterator[str]:
        yield style(f"  limit: {event.limit}: {one_line(event.message)}", fg="yellow")

    def _thought(self, event: wire.Thought) -> Iterator[str]:
        if self._verbose:
            yield style(textwrap.indent(event.text, "  "), dim=True, italic=True)

    def _tool_started(self, event: wire.ToolStarted) -> Iterator[str]:
        first, *rest = event.title.strip().splitlines() or [""]
        yield "  " + style("$ ", fg="green") + _shorten(first)
        shown = rest if self._verbose else rest[:_COMMAND_LINES]
        for line in shown:
            yield f"    {line if self._verbose else _shorten(line)}"
        if len(rest) > len(shown):
            yield style(f"    … {plural(len(rest) - len(shown), 'more line')}", dim=True)

    def _tool_finished(self, event: wire.ToolFinished) -> Iterator[str]:
        lines = event.output.rstrip().splitlines()
        shown = lines if self._verbose else lines[:_OUTPUT_LINES]
        for line in shown:
            yield style(f"    {line if self._verbose else _shorten(line)}", dim=True)
        if len(lines) > len(shown):
            yield style(f"    … {plural(len(lines) - len(shown), 'more line')}", dim=True)
        if event.status == "failed":
            yield style("    failed", fg="red")

    def _hook(self, event: wire.HookOutput) -> Iterator[str]:
        for line in event.text.rstrip().splitlines():
            yield f"  {event.hook}: {line}"
        if event.exit_code:
            yield style(f"  {event.hook}: exit code {event.exit_code}", fg="red")

    def _status(self, event: wire.Status) -> Iterator[str]:
        yield style(f"  status: {one_line(event.text)}", fg="cyan")

    def _returned(self, event: wire.Return) -> Iterator[str]:
        yield style(f"  return: {_first_line(event.value)}", fg="cyan")

    def _log(self, event: wire.Log) -> Iterator[str]:
        if self._verbose or event.level in ("warning", "error"):
            yield style(f"  {event.level}: {one_line(event.text)}", fg="yellow" if event.level != "info" else None)

    def _finished(self, event: wire.RunFinished) -> Iterator[str]:
        yield from summary(event.outcome(), brief=self._quiet)


def summary(outcome: Outcome, *, brief: bool = False) -> Iterator[str]:
    """The end of a run: result, what to do when it failed, what it returned; unless `brief`, also the time of each
    phase, tokens and cost."""
    outcome = harmless(outcome)
    mark, colour = _MARKS.get(outcome.result, ("✗", "red"))
    took = sum(outcome.phases_s.values())
    yield style(f"{mark} {outcome.result} in {duration(took)}", fg=colour, bold=True)
    if outcome.error:
        for line in outcome.error.message.splitlines():
            yield f"  {line}"
        for line in outcome.error.hint.splitlines():
            yield style(f"  → {line}", bold=True)
    if outcome.return_value is not None:
        yield f"  returned: {_first_line(outcome.return_value)}"
    if brief:
        return
    phases = " · ".join(f"{phase.replace('_', ' ')} {took_s:.1f}" for phase, took_s in outcome.phases_s.items())
    yield style(f"  seconds: {phases}", dim=True)
    yield style(f"  {_cost(outcome)}", dim=True)


def _cost(outcome: Outcome) -> str:
    usage = outcome.usage
    cost = "unknown (a model without a known price)" if outcome.cost_usd is None else f"${outcome.cost_usd:.4f}"
    cached = f" ({usage.cache_read:,} cached)" if usage.cache_read else ""
    read = usage.input + usage.cache_read + usage.cache_write
    requests = plural(usage.requests, "request")
    return f"tokens: {read:,} in{cached}, {usage.output:,} out, {requests} · cost: {cost}"


def harmless(value: Shown) -> Shown:
    """The same struct with nothing in its strings that drives a terminal; only those in `_TEXTS` keep their lines."""
    fields = {name: _harmless(name, getattr(value, name)) for name in value.__struct_fields__ if name not in _UNSHOWN}
    return msgspec.structs.replace(value, **fields)


def _harmless(name: str, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return printable(value) if name in _TEXTS else one_line(value)
    if isinstance(value, msgspec.Struct):
        return harmless(value)
    if isinstance(value, list):
        return [_harmless(name, entry) for entry in value]
    if isinstance(value, dict):
        return {key: _harmless(str(key), entry) for key, entry in value.items()}
    return value


def _first_line(value: str) -> str:
    first, *rest = value.strip().splitlines() or [""]
    return _shorten(first) + (f" … ({plural(len(rest) + 1, 'line')})" if rest else "")


def _shorten(text: str) -> str:
    line = " ⏎ ".join(text.strip().splitlines())
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + " …"
