"""Notices in a test: as they are stored, and channels to send them to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.notices import Channel, ChannelType, Mail, NoticeKind
from freehold.store.notices import StoredNotice
from freehold.wire.notices import Notice
from freehold.wire.permission import OpenPermission, PermissionOption

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AT = "2026-11-21T09:00:00.000Z"
YES = PermissionOption("y", "Allow", "allow_once")
NO = PermissionOption("n", "Reject", "reject_once")
HOSTILE = "<!channel> & <b>\x1b[31m\u202e</b>\r\nBcc: x@example.com <https://evil.example|click>"


def asked(until: datetime = NOW + timedelta(minutes=5), title: str = "rm -rf build") -> OpenPermission:
    written = until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return OpenPermission("p1", title, (YES, NO), until=written, default="n")


def stored(
    number: int = 1,
    kind: NoticeKind = NoticeKind.FAILED,
    *,
    text: str = "no such file",
    title: str = "dev failed",
    permission: OpenPermission | None = None,
    created_at: datetime = NOW,
    attempts: int = 0,
) -> StoredNotice:
    notice = Notice(
        kind=kind,
        title=title,
        at=AT,
        text=text,
        hint="Look.",
        agent="dev",
        run_id="dev-01arz3ndektsv4rrffq69g5fav",
        facts={"trigger": "manual", "cost": "$0.50"},
        permission=permission,
    )
    return StoredNotice(
        id=f"{number:026d}",
        channel="team",
        notice=notice,
        created_at=created_at,
        next_at=created_at,
        attempts=attempts,
    )


def channel(type_: ChannelType, url: str = "", *, opened_by: str = "", mail: Mail | None = None) -> Channel:
    """`opened_by` is `type.field`."""
    name, _, field = opened_by.partition(".")
    ref = FieldRef(CredentialRef(name), field) if opened_by else None
    return Channel("team", type_, frozenset(NoticeKind), True, url, ref, mail)
