"""A notice: what people, and programs of theirs, are told of what happened."""

from __future__ import annotations

import msgspec

from freehold.wire.permission import OpenPermission


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`kind` is one of the configuration's; `title` a sentence without its full stop, `text` what is quoted (words of
    an agent among it), `hint` what to do. `facts` are short, in order. Times are RFC 3339.

    `permission` is what is asked for, where somebody is asked.
    """

    kind: str = msgspec.field(default_factory=str)
    title: str = msgspec.field(default_factory=str)
    at: str = msgspec.field(default_factory=str)
    text: str = ""
    hint: str = ""
    agent: str = ""
    run_id: str = ""
    trigger_id: str = ""
    facts: dict[str, str] = {}
    permission: OpenPermission | None = None
