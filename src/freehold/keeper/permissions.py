"""Who answers when a harness asks for leave: the agent's policy, a person, or a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.event_log import EventLog
from freehold.wire.events import PermissionAnswered, PermissionAsked, PermissionOption
from freehold.wire.session import Answer, AskPermission

DEADLINE_S = 300.0
"""How long `ask` waits for a person before it answers no."""

_ALLOWING = ("allow_once", "allow_always")
_REJECTING = ("reject_once", "reject_always")


def choose(policy: str, options: Sequence[PermissionOption]) -> str | None:
    """The option that a policy picks: once rather than always. None when a person is to be asked.

    The empty string cancels the request: no option of the wanted kind was offered.
    """
    if policy == "ask":
        return None
    wanted = _ALLOWING if policy == "allow" else _REJECTING
    by_kind = {option.kind: option.id for option in reversed(options)}
    return next((by_kind[kind] for kind in wanted if kind in by_kind), "")


class Permissions:
    """Decides and records permission requests of one run."""

    def __init__(self, policy: str, log: EventLog, *, attended: bool = True, deadline_s: float = DEADLINE_S) -> None:
        # Where nobody can be asked, asking would only delay the no.
        self._policy = policy if attended or policy != "ask" else "deny"
        self._log = log
        self._deadline_s = deadline_s
        self._open: dict[str, tuple[asyncio.Future[str], Sequence[PermissionOption]]] = {}

    async def decide(self, asked: AskPermission) -> Answer:
        """The answer, recorded. Waits for a person under `ask`, at most until the deadline; then it is no."""
        self._log.append(
            PermissionAsked(permission_id=asked.permission_id, title=asked.title[:500], options=asked.options[:10])
        )
        option_id = choose(self._policy, asked.options)
        by = "policy"
        if option_id is None:
            option_id, by = await self._ask_person(asked)
        self._log.append(PermissionAnswered(permission_id=asked.permission_id, option_id=option_id, by=by))
        return Answer(permission_id=asked.permission_id, option_id=option_id)

    def answer(self, permission_id: str, option_id: str) -> None:
        """A person's answer. Raises NOT_FOUND for a request that is not open, USAGE for an option it has not."""
        if permission_id not in self._open:
            raise FreeholdError(Code.NOT_FOUND, f"no permission request {permission_id} is open in this run")
        future, options = self._open[permission_id]
        if option_id not in {option.id for option in options}:
            known = ", ".join(option.id for option in options)
            raise FreeholdError(Code.USAGE, f"the request has no option {option_id!r}", f"It offers: {known}")
        if not future.done():
            future.set_result(option_id)

    async def _ask_person(self, asked: AskPermission) -> tuple[str, str]:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open[asked.permission_id] = (future, asked.options)
        try:
            return await asyncio.wait_for(future, self._deadline_s), "person"
        except TimeoutError:
            return choose("deny", asked.options) or "", "deadline"
        finally:
            del self._open[asked.permission_id]
