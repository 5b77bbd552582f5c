"""The tables of a project's database. Times are integer milliseconds since 1970 UTC; JSON is text.

How they come to be is in `migrations/`; a test compares the two. Migrations expand first: the version before must be
able to run on the schema after (`docs/why/database.md`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str = "id") -> Column[str]:
    return Column(name, String, primary_key=True)


def _text(name: str) -> Column[str]:
    """A text that is empty where there is nothing to say."""
    return Column(name, Text, nullable=False, server_default="")


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _moment(name: str) -> Column[int]:
    """Milliseconds; null where it has not come yet."""
    return Column(name, BigInteger, nullable=True)


triggers = Table(
    "triggers",
    metadata,
    _id(),
    Column("agent", String, nullable=False),
    Column("type", String, nullable=False),
    _text("source"),
    _text("source_id"),
    Column("payload", Text, nullable=False, server_default="{}"),
    Column("state", String, nullable=False),
    _number("priority"),
    _number("created_at"),
    _number("not_before"),
    _number("attempts"),
    _number("reruns"),
    _text("run_id"),
    _moment("ended_at"),
    _text("result"),
    _text("reason"),
    Index(None, "state", "agent"),
    Index(None, "agent", "created_at"),
    Index(None, "run_id"),
    # The same moment of a schedule, the same delivery to an agent: taken once.
    Index("uq_triggers_origin", "agent", "type", "source", "source_id", unique=True,
          sqlite_where=text("source_id <> ''"), postgresql_where=text("source_id <> ''")),
)  # fmt: skip
"""What is to be done, from before it is answered until it has one final attempt (`store/triggers.py`)."""

runs = Table(
    "runs",
    metadata,
    _id("run_id"),
    Column("agent", String, nullable=False),
    _text("trigger_id"),
    _text("trigger_type"),
    _text("trigger_source"),
    _number("attempt"),
    Column("state", String, nullable=False),
    _number("queued_at"),
    _moment("started_at"),
    _moment("finished_at"),
    _text("result"),
    Column("exit_code", Integer, nullable=True),
    _text("error_code"),
    _text("error_message"),
    _number("tokens"),
    _number("requests"),
    Column("cost_usd", Float, nullable=True),
    Column("view", Text, nullable=False),
    Index(None, "queued_at"),
    Index(None, "agent", "queued_at"),
    Index(None, "trigger_id"),
    Index(None, "result", "queued_at"),
    # For every choice of agent, trigger and result the newest are found without reading the others (`run_index.page`).
    Index(None, "trigger_type", "result", "queued_at"),
    Index(None, "agent", "trigger_type", "result", "queued_at"),
    Index("ix_runs_unfinished", "state", sqlite_where=text("state <> 'finished'"),
          postgresql_where=text("state <> 'finished'")),
)  # fmt: skip
"""An index of the run files, for lists and sums; `view` is the whole `RunView`."""

usage_days = Table(
    "usage_days",
    metadata,
    Column("day", String, primary_key=True),
    Column("agent", String, primary_key=True),
    _number("runs"),
    _number("failed"),
    _number("input"),
    _number("output"),
    _number("cache_read"),
    _number("cache_write"),
    _number("requests"),
    Column("cost_usd", Float, nullable=False, server_default="0"),
    Column("duration_s", Float, nullable=False, server_default="0"),
    _number("unpriced"),
)
"""Sums by UTC day and agent, so that pages about a million runs need not read them; the agent is empty for all of them
together. `unpriced` counts the runs whose cost is not known."""

usage_months = Table(
    "usage_months",
    metadata,
    Column("month", String, primary_key=True),
    Column("agent", String, primary_key=True),
    _number("runs"),
    _number("failed"),
    _number("input"),
    _number("output"),
    _number("cache_read"),
    _number("cache_write"),
    _number("requests"),
    Column("cost_usd", Float, nullable=False, server_default="0"),
    Column("duration_s", Float, nullable=False, server_default="0"),
    _number("unpriced"),
)
"""The same by UTC month (`2026-11`): which of a thousand agents cost most in ninety days is in four thousand rows."""

usage_models = Table(
    "usage_models",
    metadata,
    Column("agent", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("model", String, primary_key=True),
    _number("runs"),
    _number("input"),
    _number("output"),
    _number("cache_read"),
    _number("cache_write"),
    _number("requests"),
    Column("cost_usd", Float, nullable=False, server_default="0"),
    _number("unpriced"),
)
"""By day, agent and model. A run that asked several counts for each; the model is empty for what names none."""

receipts = Table(
    "receipts",
    metadata,
    _id(),
    Column("source", String, nullable=False),
    Column("type", String, nullable=False),
    _text("delivery_id"),
    _number("received_at"),
    Column("status", String, nullable=False),
    _text("event"),
    _text("summary"),
    _text("reason"),
    _number("matched"),
    _number("skipped"),
    Column("headers", Text, nullable=False, server_default="{}"),
    Column("body", LargeBinary, nullable=False),
    _text("replay_of"),
    Index(None, "received_at"),
    Index(None, "source", "received_at"),
    # Only what was accepted makes the same delivery a repetition: what found no agent, or no place, may come again.
    Index("uq_receipts_delivery", "source", "delivery_id", unique=True,
          sqlite_where=text("delivery_id <> '' and status = 'accepted'"),
          postgresql_where=text("delivery_id <> '' and status = 'accepted'")),
)  # fmt: skip
"""Deliveries whose signature was right, as they came."""

locks = Table(
    "locks",
    metadata,
    _id("uri"),
    Column("run_id", String, nullable=False),
    _number("held_since"),
    _number("expires_at"),
    Index(None, "run_id"),
)

lock_waits = Table(
    "lock_waits",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("uri", String, primary_key=True),
    _number("asked_at"),
)
"""Who asked in vain, and may ask again: the edges of the wait-for graph."""

calls = Table(
    "calls",
    metadata,
    _id(),
    Column("caller_run", String, nullable=False),
    Column("caller_agent", String, nullable=False),
    Column("agent", String, nullable=False),
    _number("depth"),
    _text("chain"),
    Column("status", String, nullable=False),
    _number("created_at"),
    _moment("ended_at"),
    Column("return_value", Text, nullable=True),
    _text("error"),
    Index(None, "caller_run"),
    Index(None, "status"),
)
"""Agent calls agent. The id is that of the trigger that it became; `chain` the agents above it, outermost first."""

switches = Table(
    "switches",
    metadata,
    _id("name"),
    Column("value", Text, nullable=False),
    _number("changed_at"),
    _text("changed_by"),
)
"""What a person changed while it ran: pause, enable, scale. It wins over what was pushed."""

schedules = Table(
    "schedules",
    metadata,
    _id("agent"),
    Column("expression", String, nullable=False),
    _text("timezone"),
    _number("considered_until"),
)
"""Up to which moment an agent's schedule was looked at: what is due lies after it."""

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    Column("name", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("scopes", String, nullable=False),
    _number("created_at"),
    _moment("last_used_at"),
    _moment("revoked_at"),
    _moment("expires_at"),
    UniqueConstraint("hash"),
)
"""`hash` is SHA-256 of a random key of 32 bytes, in hex; the key itself is nowhere."""

sessions = Table(
    "sessions",
    metadata,
    _id("hash"),
    Column("key_id", String, nullable=False),
    _number("created_at"),
    _number("seen_at"),
    Index(None, "key_id"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _number("at"),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    _text("target"),
    Column("detail", Text, nullable=False, server_default="{}"),
    _text("address"),
    Index(None, "at"),
    Index(None, "action", "at"),
    Index(None, "actor", "action", "at"),
)
"""Who changed what, and from where."""

notices = Table(
    "notices",
    metadata,
    _id(),
    Column("channel", String, nullable=False),
    Column("kind", String, nullable=False),
    _text("agent"),
    _text("run_id"),
    Column("body", Text, nullable=False),
    _number("created_at"),
    _number("next_at"),
    _number("attempts"),
    _moment("sent_at"),
    Column("given_up", Boolean, nullable=False, server_default=text("false")),
    _text("problem"),
    # A notice is written once, however often its reason is met.
    Column("once", String, nullable=False, unique=True),
    Index(None, "sent_at", "next_at"),
)
"""To be sent: written together with what they tell of, so that none is lost."""
