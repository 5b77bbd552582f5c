"""Asking the launcher, and what its refusals mean for a person."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host.supervisor import ENVIRONMENT

ANSWER_DEADLINE_S = 60.0
BUSY, TAKEN, NO_PROGRAM, NO_NAMESPACE = "busy", "taken", "no_program", "no_namespace"

_HINTS = {
    BUSY: "End them, or see which run it is: freehold runs. `freehold doctor --fix` makes more users.",
    TAKEN: "Each slot of each agent needs a user of its own: freehold doctor --fix makes more of them.",
    NO_PROGRAM: "Install it on this machine: host-user runs use the host's programs.",
    NO_NAMESPACE: (
        'Set local.network = "open" if the agent may use this machine\'s network, or run the keeper as root, or use '
        "Docker. "
        "Ordinary users are often kept from namespaces by sysctl kernel.unprivileged_userns_clone=0 or "
        "kernel.apparmor_restrict_unprivileged_userns=1."
    ),
}
_WHAT = {
    BUSY: "its user is not free",
    TAKEN: "its user is not free",
    NO_PROGRAM: "a program is missing",
    NO_NAMESPACE: "this machine gives it no network of its own, without which the allow-list means nothing",
}
_CODES = {BUSY: Code.CONFLICT, TAKEN: Code.CONFLICT, NO_NAMESPACE: Code.CONFIG}


def refusal(answer: dict[str, Any], action: str) -> FreeholdError:
    """The error for an answer `{error, kind}`; `action` begins the sentence ("Run x could not be started")."""
    kind = str(answer.get("kind", ""))
    what = f"{_WHAT[kind]}: " if kind in _WHAT else ""
    hint = _HINTS.get(kind, "See what this machine lacks: freehold doctor")
    return FreeholdError(_CODES.get(kind, Code.FAILED), f"{action}: {what}{answer.get('error', 'no answer')}", hint)


async def ask(command: Sequence[str], told: dict[str, Any], action: str) -> dict[str, Any]:
    """The launcher's answer to one verb. Raises what `refusal` says; the operator's environment is not passed on."""
    answer = await answer_of(command, json.dumps(told).encode() + b"\n", action)
    if "error" in answer:
        raise refusal(answer, action)
    return answer


async def answer_of(command: Sequence[str], line: bytes, action: str) -> dict[str, Any]:
    """What a program of ours says in one line of JSON. Raises FAILED with its own words when it says something else."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
        )
    except OSError as error:
        raise refusal({"error": f"{command[0]}: {error.strerror}"}, action) from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(line), ANSWER_DEADLINE_S)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise refusal({"error": f"no answer in {ANSWER_DEADLINE_S:.0f} s"}, action) from error
        raise
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        said = output.decode(errors="replace").strip()[-500:] or f"exit {process.returncode}"
        raise refusal({"error": said}, action) from None
    return answer
