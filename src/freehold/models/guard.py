"""The budget of one run at work: sets aside before a request, charges after it, tells once when it is spent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of, new_ulid
from freehold.models.budget import Budgets, Claim, Granted, Overrun, grant
from freehold.models.ledger import Ledger
from freehold.models.spend import Amount, Book

_LOOK_AGAIN_S = 0.25
"""Requests under way end without telling those who wait, in other processes too; this often the book is looked at."""
_LONGEST_WAIT_S = 240.0
"""Node's fetch gives up on an answer that does not begin within 300 s."""


@dataclass(frozen=True)
class Reservation:
    id: str
    amount: Amount
    output: int
    """Tokens that the answer may have."""


class BudgetGuard:
    """Keeps one run within its budgets.

    `on_spent(message)` is called once, by the first request that no longer fits: the keeper then ends the run.
    The ledger is asked in a thread, so that a slow disk does not hold up streams; requests of one project are granted
    one after the other under its lock, and so cannot overspend together.
    """

    def __init__(
        self,
        run_id: str,
        budgets: Budgets,
        ledger: Ledger,
        clock: Clock,
        on_spent: Callable[[str], None],
        agent: str = "",
    ) -> None:
        self.run_id = run_id
        self.budgets = budgets
        self._agent = agent or agent_of(run_id)
        self._ledger = ledger
        self._clock = clock
        self._on_spent = on_spent
        self._told = False

    async def reserve(
        self, fixed: Amount, most_output: int, least_output: int, usd_micro_per_output: float = 0.0
    ) -> Reservation:  # fmt: skip
        """Set aside a request's worst case (see `Claim`); waits while only requests under way stand in its way.

        Raises `FreeholdError`: `BUDGET`, `RATE_LIMITED` when they stand there for too long, or that of the ledger.
        """
        waiting_since = self._clock.monotonic()
        while True:
            claim = Claim(
                self.run_id, self._agent, self._ledger.today(), fixed, most_output, least_output, usd_micro_per_output
            )  # fmt: skip
            outcome = await self._claim(claim)
            if isinstance(outcome, Reservation):
                return outcome
            if not outcome.passing:
                raise self._refusal(outcome)
            if self._clock.monotonic() - waiting_since >= _LONGEST_WAIT_S:
                raise FreeholdError(
                    Code.RATE_LIMITED,
                    f"requests under way hold the rest of the budget: {outcome.message(self._agent)}",
                    outcome.hint,
                )
            await self._clock.sleep(_LOOK_AGAIN_S)

    async def _claim(self, claim: Claim) -> Reservation | Overrun:
        decided: list[Granted | Overrun] = []
        hold_id = new_ulid()

        def decide(book: Book) -> Book:
            decided.append(grant(self.budgets, book, claim))
            return book.with_hold(hold_id, decided[0].hold) if isinstance(decided[0], Granted) else book

        try:
            await self._change(decide)
        except asyncio.CancelledError:
            if decided and isinstance(decided[0], Granted):
                self._ledger.change(lambda book: book.settled(hold_id, Amount()))
            raise
        outcome = decided[0]
        return outcome if isinstance(outcome, Overrun) else Reservation(hold_id, outcome.hold.amount, outcome.output)

    async def settle(self, reservation: Reservation, actual: Amount) -> None:
        """Charge what a request used instead of what was set aside; a second call changes nothing."""
        await self._change(lambda book: book.settled(reservation.id, actual))

    async def release(self, reservation: Reservation) -> None:
        """The request was not answered: nothing is charged."""
        await self.settle(reservation, Amount())

    def recover(self) -> Amount:
        """On re-adoption by a new keeper: charge what the old one had set aside; what the run has spent by then."""
        return self._ledger.change(lambda book: book.recovered(self.run_id)).of_run(self.run_id)

    def close(self) -> None:
        """The run is over: its account is closed, its days keep what it spent."""
        self._ledger.change(lambda book: book.closed(self.run_id))

    async def _change(self, decide: Callable[[Book], Book]) -> None:
        """The change is made however often the caller is cancelled meanwhile; the cancellation is raised after it."""
        change = asyncio.ensure_future(asyncio.to_thread(self._ledger.change, decide))
        cancelled: asyncio.CancelledError | None = None
        while not change.done():
            try:
                await asyncio.shield(change)
            except asyncio.CancelledError as error:
                cancelled = error
            except FreeholdError:
                break  # raised again below
        change.result()
        if cancelled is not None:
            raise cancelled

    def _refusal(self, overrun: Overrun) -> FreeholdError:
        message = overrun.message(self._agent)
        if not self._told:
            self._told = True
            self._on_spent(message)
        return FreeholdError(Code.BUDGET, message, overrun.hint)
