"""Watching what the gateway was asked for: from the trigger that it took in to the end of the run."""

from __future__ import annotations

import time
from collections.abc import Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of
from freehold.cli.context import Context
from freehold.cli.follow import exit_code_of, shower
from freehold.cli.output import note, print_json, say
from freehold.client.gateway import Gateway, in_path
from freehold.wire import events
from freehold.wire.events import AnyEvent, RunFinished
from freehold.wire.runs import RunView
from freehold.wire.service import KillRequest, Page, TriggerAccepted, TriggerDetail

_LOOK_EVERY_S = 0.25
_MOST_BREAKS = 20
"""How often in a row a stream may break without an event; with a second between them, a restart fits in."""
_SHORTEST_END = 6


def whole_run_id(gateway: Gateway, target: str) -> str:
    """The run that `target` means: its id, or the end of it. Raises NOT_FOUND."""
    if agent_of(target):
        return target
    if len(target) >= _SHORTEST_END:
        found = [run.run_id for run in _latest_runs(gateway) if run.run_id.endswith(target.lower())]
        if found:
            return found[0]
    raise FreeholdError(Code.NOT_FOUND, f'no run ends with "{target}"', "`freehold runs` lists them.")


def follow_trigger(
    context: Context, gateway: Gateway, accepted: TriggerAccepted, *, detach: bool, verbose: bool = False
) -> int:
    """Say what was taken in and, unless `detach`, show its run until that ends; the exit code of the command."""
    if detach:
        _tell(context, accepted)
        return 0
    if accepted.note and not context.quiet:
        note(f"it waits: {accepted.note}")
    run_id = ""
    try:
        run_id = _wait_for_run(gateway, accepted.trigger_id)
        return exit_code_of(_follow(context, gateway, run_id, verbose=verbose))
    except KeyboardInterrupt:
        if not run_id:
            note(f"it goes on waiting; `freehold queue discard {accepted.trigger_id}` takes it back")
            raise
    return _stop_and_follow(context, gateway, run_id, verbose=verbose)


def _stop_and_follow(context: Context, gateway: Gateway, run_id: str, *, verbose: bool) -> int:
    """The first Ctrl-C ends the run; the second does not wait for its end."""
    note("stopping the run; Ctrl-C again does not wait for its end")
    gateway.post(f"/runs/{in_path(run_id)}/kill", object, KillRequest("interrupted with Ctrl-C"))
    return exit_code_of(_follow(context, gateway, run_id, verbose=verbose))


def _tell(context: Context, accepted: TriggerAccepted) -> None:
    if context.json:
        print_json(accepted)
        return
    say(accepted.trigger_id)
    if not context.quiet:
        note(f"taken in for {accepted.agent}" + (f"; it waits: {accepted.note}" if accepted.note else ""))


def _wait_for_run(gateway: Gateway, trigger_id: str) -> str:
    """Raises FAILED when it was given up before it began."""
    while True:
        trigger = gateway.get(f"/triggers/{in_path(trigger_id)}", TriggerDetail).trigger
        if trigger.run_id:
            return trigger.run_id
        if trigger.state == "dead":
            raise FreeholdError(
                Code.FAILED,
                f"it was given up: {trigger.reason}",
                f"`freehold queue replay {trigger_id}` lets it wait again",
            )
        time.sleep(_LOOK_EVERY_S)


def _follow(context: Context, gateway: Gateway, run_id: str, *, verbose: bool) -> RunFinished:
    show = shower(context, verbose=verbose)
    for event in _events(gateway, run_id):
        show(event)
        if isinstance(event, RunFinished):
            return event
    raise AssertionError("the last event of a run is its end")


def _events(gateway: Gateway, run_id: str) -> Iterator[AnyEvent]:
    """Each event once, whatever becomes of the connection meanwhile. Raises UNREACHABLE when it stays broken."""
    seen, breaks = 0, 0
    while True:
        try:
            for sent in gateway.stream(f"/runs/{in_path(run_id)}/events", after=str(seen) if seen else ""):
                event = events.decode(sent.data)
                if event.seq > seen:
                    seen, breaks = event.seq, 0
                    yield event
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or breaks >= _MOST_BREAKS:
                raise
        breaks += 1
        time.sleep(min(breaks, 4) * _LOOK_EVERY_S)


def _latest_runs(gateway: Gateway) -> list[RunView]:
    return gateway.get("/runs", Page, limit=500).runs
