"""Up to which moment each agent's schedule was considered: what is due lies after it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from freehold.store.rows import milliseconds, moment, put
from freehold.store.tables import schedules


class Considered(msgspec.Struct, frozen=True):
    """A schedule as it was when it was considered; another expression or time zone begins anew."""

    agent: str
    expression: str
    timezone: str
    until: datetime


def read(connection: Connection) -> dict[str, Considered]:
    return {
        row.agent: Considered(row.agent, row.expression, row.timezone, moment(row.considered_until))
        for row in connection.execute(select(schedules))
    }


def write(connection: Connection, considered: Considered) -> None:
    put(
        connection,
        schedules,
        {
            "agent": considered.agent,
            "expression": considered.expression,
            "timezone": considered.timezone,
            "considered_until": milliseconds(considered.until),
        },
    )


def forget(connection: Connection, agent: str) -> None:
    connection.execute(delete(schedules).where(schedules.c.agent == agent))
