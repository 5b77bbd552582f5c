"""What a person changes while it runs: pause, enable, scale. It survives restarts, and a push does not touch it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from freehold.store.rows import milliseconds, put
from freehold.store.tables import switches

_PAUSED, _CAUGHT_UP = "paused", "caught-up"


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """As they stand. An agent that is in neither `disabled` nor `scales` is as its configuration says."""

    paused: bool = False
    disabled: frozenset[str] = frozenset()
    scales: dict[str, int] = {}

    def is_enabled(self, agent: str) -> bool:
        return agent not in self.disabled

    def scale_of(self, agent: str, configured: int) -> int:
        return self.scales.get(agent, configured)


def read(connection: Connection) -> Switches:
    values = {row.name: msgspec.json.decode(row.value) for row in connection.execute(select(switches))}
    agents = [(name.partition(":"), value) for name, value in values.items() if ":" in name]
    return Switches(
        paused=bool(values.get(_PAUSED, False)),
        disabled=frozenset(agent for (kind, _, agent), value in agents if kind == "enabled" and not value),
        scales={agent: int(value) for (kind, _, agent), value in agents if kind == "scale"},
    )


def set_paused(connection: Connection, paused: bool, by: str, now: datetime) -> None:
    _set(connection, _PAUSED, paused, by, now)


def set_enabled(connection: Connection, agent: str, enabled: bool, by: str, now: datetime) -> None:
    _set(connection, f"enabled:{agent}", enabled, by, now)


def set_scale(connection: Connection, agent: str, scale: int | None, by: str, now: datetime) -> None:
    """None: as configured again."""
    if scale is None:
        connection.execute(delete(switches).where(switches.c.name == f"scale:{agent}"))
    else:
        _set(connection, f"scale:{agent}", scale, by, now)


def is_caught_up(connection: Connection) -> bool:
    """Whether every past run that there was at the last start is in the index; True before the first start."""
    value = connection.execute(select(switches.c.value).where(switches.c.name == _CAUGHT_UP)).scalar()
    return value != "false"


def note_caught_up(connection: Connection, caught_up: bool, now: datetime) -> None:
    _set(connection, _CAUGHT_UP, caught_up, "the scheduler", now)


def _set(connection: Connection, name: str, value: bool | int, by: str, now: datetime) -> None:
    text = msgspec.json.encode(value).decode()
    put(connection, switches, {"name": name, "value": text, "changed_at": milliseconds(now), "changed_by": by})
