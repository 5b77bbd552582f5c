"""What a person does in a chat, asked of the keeper: each verb again where a keeper goes away meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.cli.context import Context
from freehold.client.keeper import ask
from freehold.wire.keeper import AnswerPermission, FinishChat, InterruptTurn, KillRun, Said, Say
from freehold.wire.runs import RunView

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Talk:
    """Each raises the keeper's `FreeholdError`; that a chat or a turn is over already is none."""

    context: Context
    run_id: str

    async def say(self, text: str) -> Said:
        """Say it once, however many keepers that takes. Raises CONFLICT, BUSY, TOO_LARGE, USAGE."""
        return await self._ask("run/say", Say(self.run_id, new_ulid(), text), Said)

    async def interrupt(self) -> None:
        await self._unless_over("run/interrupt", InterruptTurn(self.run_id))

    async def finish(self) -> None:
        await self._unless_over("run/finish", FinishChat(self.run_id))

    async def answer(self, permission_id: str, option_id: str) -> None:
        try:
            await self._ask("run/answer", AnswerPermission(self.run_id, permission_id, option_id), type(None))
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:  # else somebody was faster, or the deadline; the event says who
                raise

    async def kill(self) -> None:
        await self._ask("run/kill", KillRun(self.run_id, "interrupted with Ctrl-C"), RunView)

    async def _unless_over(self, method: str, params: object) -> None:
        try:
            await self._ask(method, params, type(None))
        except FreeholdError as error:
            if error.code is not Code.CONFLICT:
                raise

    async def _ask(self, method: str, params: object, answer: type[Answer]) -> Answer:
        return await ask(self.context.project_dir, self.context.home, method, params, answer)
