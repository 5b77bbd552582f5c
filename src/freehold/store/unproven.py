"""What sources have left that take deliveries without a signature: strangers may send to them, so it is bounded by
number and size, not by age alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, text

from freehold.store.retention import BATCH
from freehold.store.tables import receipts, triggers
from freehold.store.triggers import TriggerState
from freehold.wire.runs import TriggerType

MOST_RECEIPTS = 1_000
"""Of a source; and as many triggers of each of its agents that are over."""
MOST_BYTES = 64 * 1024 * 1024
"""Of the bodies of a source's receipts, the newest one included however large it is."""

_OVER = (TriggerState.DONE, TriggerState.DEAD)
_HAS_ORIGIN = text("triggers.source_id <> ''")
"""Word for word as in the index: SQLite uses a partial one only for what it can see to be in it."""


def receipts_beyond(
    connection: Connection, source: str, most: int = MOST_RECEIPTS, most_bytes: int = MOST_BYTES
) -> list[str]:
    """The ids of receipts that are too many or too large together, up to `BATCH`: the oldest ones."""
    newest = (receipts.c.received_at.desc(), receipts.c.id.desc())
    mine = select(receipts.c.id, func.length(receipts.c.body)).where(receipts.c.source == source)
    found = connection.execute(mine.order_by(*newest).limit(most + BATCH)).all()
    held_bytes, beyond = 0, []
    for number, (receipt_id, size_bytes) in enumerate(found):
        held_bytes += size_bytes
        if number and (number >= most or held_bytes > most_bytes):
            beyond.append(receipt_id)
    return beyond[-BATCH:]


def triggers_beyond(connection: Connection, source: str, agent: str, most: int = MOST_RECEIPTS) -> list[str]:
    """The ids of triggers that are over, and too many, up to `BATCH`."""
    mine = (triggers.c.agent == agent, triggers.c.type == TriggerType.WEBHOOK, triggers.c.source == source)
    wanted = select(triggers.c.id).where(*mine, _HAS_ORIGIN, triggers.c.state.in_(_OVER))
    return list(connection.execute(wanted.order_by(triggers.c.id.desc()).offset(most).limit(BATCH)).scalars())


def forget(connection: Connection, receipt_ids: Sequence[str], trigger_ids: Sequence[str]) -> int:
    """How many rows went; a dead letter that waits again by now stays."""
    done = connection.execute(delete(receipts).where(receipts.c.id.in_(receipt_ids))).rowcount
    those = (triggers.c.id.in_(trigger_ids), triggers.c.state.in_(_OVER))
    return done + connection.execute(delete(triggers).where(*those)).rowcount
