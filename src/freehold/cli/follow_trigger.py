"""Watching what the gateway was asked for: from the trigger that it took in to the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.follow import exit_code_of, shower
from freehold.cli.output import note, print_json, say
from freehold.cli.pasted import for_environment
from freehold.client.gateway import Gateway, in_path
from freehold.wire import events
from freehold.wire.events import AnyEvent, RunFinished
from freehold.wire.service import KillRequest, TriggerAccepted, TriggerDetail

_LOOK_EVERY_S = 0.25
_MOST_BREAKS = 20
"""How often in a row a stream may break without an event; with a second between them, a restart fits in."""


def follow_trigger(
    context: Context, gateway: Gateway, accepted: TriggerAccepted, *, detach: bool, verbose: bool = False
) -> int:
    """Say what was taken in and, unless `detach`, show its run until that ends; the exit code of the command."""
    if detach:
        _tell(context, accepted)
        return 0
    if accepted.note and not context.quiet:
        note(f"it waits: {accepted.note}")
    try:
        run_id = _wait_for_run(gateway, accepted.trigger_id)
    except KeyboardInterrupt:
        back = f"`freehold queue discard {accepted.trigger_id}` takes it back"
        note(f"it goes on waiting; {for_environment(back, context.environment)}")
        raise
    following = RunFollower(gateway, run_id, shower(context, verbose=verbose))
    try:
        return exit_code_of(following.follow())
    except KeyboardInterrupt:  # a second one does not wait for the end
        note("stopping the run; Ctrl-C again does not wait for its end")
        gateway.post(f"/runs/{in_path(run_id)}/kill", object, KillRequest("interrupted with Ctrl-C"))
        return exit_code_of(following.follow())


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


class RunFollower:
    """Shows each event of a run once, whatever becomes of the connection meanwhile."""

    def __init__(self, gateway: Gateway, run_id: str, show: Callable[[AnyEvent], None]) -> None:
        self._gateway = gateway
        self._path = f"/runs/{in_path(run_id)}/events"
        self._show = show
        self._seen = 0

    def follow(self) -> RunFinished:
        """The run's last event. Raises UNREACHABLE when the connection stays broken."""
        breaks = 0
        while True:
            before = self._seen
            try:
                for event in self._events():
                    self._show(event)
                    if isinstance(event, RunFinished):
                        return event
            except FreeholdError as error:
                # A run is written down before the keeper has taken it on; until then there is nothing to be read of it.
                passes = error.code is Code.UNREACHABLE or (error.code is Code.NOT_FOUND and not self._seen)
                if not passes or breaks >= _MOST_BREAKS:
                    raise
            breaks = 0 if self._seen > before else breaks + 1
            time.sleep(min(breaks, 4) * _LOOK_EVERY_S)

    def _events(self) -> Iterator[AnyEvent]:
        for sent in self._gateway.stream(self._path, after=str(self._seen) if self._seen else ""):
            event = events.decode(sent.data)
            if event.seq > self._seen:
                self._seen = event.seq
                yield event
