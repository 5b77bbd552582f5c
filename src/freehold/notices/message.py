"""What a notice says, whichever way it is sent: words made harmless, links, and how urgent it is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from freehold.base.clock import rfc3339
from freehold.base.ids import new_ulid
from freehold.base.plain_text import clipped, printable
from freehold.base.words import plural
from freehold.notices.links import Link, Links
from freehold.project.notices import NoticeKind
from freehold.store.notices import StoredNotice
from freehold.wire.notices import Notice

LONGEST_TITLE = 150
LONGEST_TEXT = 1500
MOST_TOLD = 10
"""Notices that a digest names; of the others it tells how many there are."""
MOST_CARRIED = 100
"""Notices that a digest carries for a program."""


class Urgency(Enum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


_URGENCY = {
    NoticeKind.COMPLETED: Urgency.LOW,
    NoticeKind.DEAD_LETTER: Urgency.NORMAL,
    NoticeKind.FAILED: Urgency.NORMAL,
    NoticeKind.BUDGET: Urgency.HIGH,
    NoticeKind.PERMISSION: Urgency.HIGH,
}


@dataclass(frozen=True)
class Message:
    """`id` is the same when it is sent again. `title` is one line; `text` may have several. Nothing in either drives a
    terminal or a screen; what marks text up where it is shown is for the sender to escape.

    `notices` are those that it tells of, at most 100; `left_out` how many more there are.
    """

    id: str
    project: str
    title: str
    text: str
    hint: str
    facts: tuple[tuple[str, str], ...]
    page: Link | None
    answers: tuple[Link, ...]
    urgency: Urgency
    at: str
    kind: str
    notices: tuple[Notice, ...]
    left_out: int = 0


def trial_message(project: str, now: datetime) -> Message:
    """To see whether a channel works."""
    return Message(
        id=new_ulid(),
        project=clipped(project),
        title="this channel works",
        text="`freehold notices test` sent this.",
        hint="",
        facts=(),
        page=None,
        answers=(),
        urgency=Urgency.NORMAL,
        at=rfc3339(now),
        kind="test",
        notices=(),
    )


def message_of(stored: Sequence[StoredNotice], project: str, links: Links) -> Message:
    """One notice as it is, several as a digest."""
    return _alone(stored[0], project, links) if len(stored) == 1 else _digest(stored, project, links)


def _alone(stored: StoredNotice, project: str, links: Links) -> Message:
    notice = stored.notice
    return Message(
        id=stored.id,
        project=clipped(project),
        title=clipped(notice.title, LONGEST_TITLE),
        text=_excerpt(notice.text),
        hint=_excerpt(notice.hint),
        facts=tuple((name, clipped(value, 200)) for name, value in notice.facts.items()),
        page=links.page(notice),
        answers=links.answers(stored),
        urgency=_urgency(notice),
        at=notice.at,
        kind=notice.kind,
        notices=(notice,),
    )


def _digest(stored: Sequence[StoredNotice], project: str, links: Links) -> Message:
    counts = Counter(one.notice.title for one in stored)
    lines = [f"{count} times: {title}" if count > 1 else title for title, count in counts.most_common(MOST_TOLD)]
    if len(counts) > MOST_TOLD:
        lines.append(f"and {plural(len(counts) - MOST_TOLD, 'other')}")
    first, last = stored[0].notice, stored[-1].notice
    return Message(
        id=last_id(stored),
        project=clipped(project),
        title=f"{len(stored)} notices",
        text=printable("\n".join(clipped(line, LONGEST_TITLE) for line in lines)),
        hint="They came so fast that they are told together.",
        facts=(("from", first.at), ("to", last.at)),
        page=links.project(),
        answers=(),
        urgency=max((_urgency(one.notice) for one in stored), key=list(Urgency).index),
        at=last.at,
        kind="digest",
        notices=tuple(one.notice for one in stored[:MOST_CARRIED]),
        left_out=max(len(stored) - MOST_CARRIED, 0),
    )


def last_id(stored: Sequence[StoredNotice]) -> str:
    return f"{stored[0].id}-{stored[-1].id}"


def _urgency(notice: Notice) -> Urgency:
    return _URGENCY[NoticeKind(notice.kind)]


def _excerpt(text: str) -> str:
    """The end of what is too long: there it says what went wrong."""
    text = printable(text[-4 * LONGEST_TEXT :]).strip()
    return text if len(text) <= LONGEST_TEXT else "… " + text[-LONGEST_TEXT:].lstrip()
