"""`fh call`, `check`, `wait`: other agents as helpers."""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from urllib.parse import quote

from freehold.runner.fh_request import Answer, UsageError, request, show
from freehold.runner.fh_signals import read_standard_input
from freehold.wire.exits import EXIT_WAIT_TIMEOUT

WAIT_S = 900.0
_LOOK_EVERY_S = 2.0
_UNFINISHED = ("pending", "queued", "running")


def call(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise UsageError("name one agent, and pipe its context in: fh call reviewer < context.txt")
    context = "" if sys.stdin is None or sys.stdin.isatty() else read_standard_input("the context")
    answer = request("POST", "/v1/run/calls", {"agent": arguments[0], "context": context}, repeatable=False)
    call_id = (answer.json() or {}).get("call_id")
    return show(answer, {"ok": True, "call_id": call_id, "callId": call_id})


def check(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise UsageError("give one call id: fh check ID")
    answer = _look(arguments[0])
    return show(answer, _in_both_spellings(answer.json()))


def wait(arguments: list[str]) -> int:
    """Until every call has ended, or the time is over (exit 8); prints `{id: state}` either way."""
    ids, timeout_s = _wait_arguments(arguments)
    deadline = time.monotonic() + timeout_s
    states: dict[str, Any] = {}
    while True:
        for call_id in ids:
            if states.get(call_id, {}).get("status", "pending") in _UNFINISHED:
                answer = _look(call_id)
                if answer.exit_code != 0:
                    return show(answer)
                states[call_id] = _in_both_spellings(answer.json())
        open_calls = [call_id for call_id in ids if states.get(call_id, {}).get("status", "pending") in _UNFINISHED]
        if not open_calls or time.monotonic() >= deadline:
            sys.stdout.write(json.dumps(states) + "\n")
            return EXIT_WAIT_TIMEOUT if open_calls else 0
        time.sleep(min(_LOOK_EVERY_S, max(0.0, deadline - time.monotonic())))


def _look(call_id: str) -> Answer:
    return request("GET", f"/v1/run/calls/{quote(call_id, safe='')}")


def _in_both_spellings(view: Any) -> dict[str, Any]:
    """Agents written for Action Llama read `returnValue` and `errorMessage`."""
    known: dict[str, Any] = view if isinstance(view, dict) else {}
    spellings = {"return_value": "returnValue", "error": "errorMessage"}
    return known | {spellings[key]: value for key, value in known.items() if key in spellings}


def _wait_arguments(arguments: list[str]) -> tuple[list[str], float]:
    ids = list(arguments)
    timeout_s = WAIT_S
    if "--timeout" in ids:
        at = ids.index("--timeout")
        try:
            timeout_s = float(ids[at + 1])
        except (IndexError, ValueError):
            raise UsageError("--timeout takes seconds: fh wait ID --timeout 900") from None
        del ids[at : at + 2]
    if not ids:
        raise UsageError("give the ids of the calls to wait for: fh wait ID...")
    return ids, timeout_s
