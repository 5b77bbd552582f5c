"""Who answers when a harness asks for leave: the agent's policy, a person, or a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from freehold.base.clock import Clock, SystemClock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.keeper.event_log import EventLog
from freehold.wire.events import PermissionAnswered, PermissionAsked
from freehold.wire.permission import OpenPermission, PermissionOption
from freehold.wire.session import Answer, AskPermission

DEADLINE_S = 300.0
"""How long `ask` waits for a person where the configuration says nothing else."""
LONGEST_TITLE = 500
MOST_SHOWN = 10
"""Options that an event tells."""

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
    """Decides and records permission requests of one run.

    Under `ask` a person has `deadline_s` for an answer; then it is `default` (`deny` or `allow`). That is the answer
    at once where nobody attends. `on_open` is told what waits for an answer, each time that changes.
    """

    def __init__(
        self,
        policy: str,
        log: EventLog,
        *,
        attended: bool = True,
        deadline_s: float = DEADLINE_S,
        default: str = "deny",
        clock: Clock | None = None,
        on_open: Callable[[Sequence[OpenPermission]], None] = lambda _open: None,
    ) -> None:
        # Where nobody can be asked, asking would only delay the answer.
        self._policy = policy if attended or policy != "ask" else default
        self._log = log
        self._deadline_s = deadline_s
        self._default = default
        self._clock = clock or SystemClock()
        self._on_open = on_open
        self._open: dict[str, tuple[asyncio.Future[str], OpenPermission]] = {}

    async def decide(self, asked: AskPermission) -> Answer:
        """The answer, recorded. Waits for a person under `ask`, at most until the deadline; then it is the default."""
        self._log.append(
            PermissionAsked(
                permission_id=asked.permission_id, title=asked.title[:LONGEST_TITLE], options=asked.options[:MOST_SHOWN]
            )
        )
        option_id = choose(self._policy, asked.options)
        by = "policy"
        if option_id is None:
            option_id, by = await self._ask_person(asked)
        self._log.append(PermissionAnswered(permission_id=asked.permission_id, option_id=option_id, by=by))
        return Answer(permission_id=asked.permission_id, option_id=option_id)

    def answer(self, permission_id: str, option_id: str) -> None:
        """A person's answer; the first one counts. Raises NOT_FOUND for a request that is not open (any more), USAGE
        for an option it has not."""
        future, waiting = self._open.get(permission_id, (None, None))
        if future is None or waiting is None or future.done():
            raise FreeholdError(Code.NOT_FOUND, f"no permission request {permission_id} is open in this run")
        if option_id not in {option.id for option in waiting.options}:
            known = ", ".join(option.id for option in waiting.options)
            raise FreeholdError(Code.USAGE, f"the request has no option {option_id!r}", f"It offers: {known}")
        future.set_result(option_id)

    def cancel_open(self) -> None:
        """Nobody needs the answers any more: the turn in which they were asked is ended."""
        for future, _ in self._open.values():
            if not future.done():
                future.set_result("")

    async def _ask_person(self, asked: AskPermission) -> tuple[str, str]:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        default = choose(self._default, asked.options) or ""
        waiting = OpenPermission(
            permission_id=asked.permission_id,
            title=asked.title[:LONGEST_TITLE],
            options=tuple(asked.options),
            until=rfc3339(self._clock.now() + timedelta(seconds=self._deadline_s)),
            default=default,
        )
        self._open[asked.permission_id] = (future, waiting)
        self._tell()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await future, "person"
        except TimeoutError:
            return default, "deadline"
        finally:
            del self._open[asked.permission_id]
            self._tell()

    def _tell(self) -> None:
        self._on_open([waiting for _, waiting in self._open.values()])
