"""Notices: which were sent, which wait, and which did not get through."""

from __future__ import annotations

from freehold.base.clock import rfc3339
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store import notices
from freehold.store.api_keys import Scope
from freehold.store.notices import StoredNotice
from freehold.wire.service import NoticeView


async def newest(asked: Asked) -> list[NoticeView]:
    before, limit = asked.text("before"), asked.number("limit", 50)
    found = await asked.service.database.read(lambda c: notices.page(c, before, limit))
    return [_view(one) for one in found]


def _view(stored: StoredNotice) -> NoticeView:
    state = "sent" if stored.sent_at else "given_up" if stored.given_up else "waiting"
    return NoticeView(
        id=stored.id,
        channel=stored.channel,
        kind=stored.notice.kind,
        title=stored.notice.title,
        state=state,
        created_at=rfc3339(stored.created_at),
        next_at=rfc3339(stored.next_at) if state == "waiting" else None,
        sent_at=rfc3339(stored.sent_at) if stored.sent_at else None,
        attempts=stored.attempts,
        problem=stored.problem,
        agent=stored.notice.agent,
        run_id=stored.notice.run_id,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/notices",
        Scope.READ,
        "Notices of the last two weeks, newest first",
        newest,
        answer=list[NoticeView],
        query=("before", "limit"),
    ),
)
