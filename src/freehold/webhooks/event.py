"""What a delivery says, whoever sent it: the context that an agent is given, and what filters compare with."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from freehold.base.plain_text import clipped

_ALWAYS = ("source", "event", "repo", "sender", "timestamp")
_WHERE_THERE = (
    "action", "number", "title", "body", "url", "author", "assignee", "labels", "label", "branch", "base", "conclusion",
    "comment", "channel", "thread",
)  # fmt: skip


_always, _where_there = attrgetter(*_ALWAYS), attrgetter(*_WHERE_THERE)


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event. What it does not say is empty.

    `source` is the type of the sender (`github`), `repo` what takes a repository's place where there is none (an
    organization, a workspace). `label` is the label that was added or removed, `base` the branch that a pull request
    goes into, `thread` where an answer in a chat belongs. `is_own` says that the application sent it to itself.
    """

    event: str
    source: str = ""
    action: str = ""
    repo: str = ""
    number: int | None = None
    title: str = ""
    body: str = ""
    url: str = ""
    author: str = ""
    assignee: str = ""
    labels: tuple[str, ...] = ()
    label: str = ""
    branch: str = ""
    base: str = ""
    conclusion: str = ""
    comment: str = ""
    channel: str = ""
    thread: str = ""
    sender: str = ""
    timestamp: str = ""
    delivery_id: str = ""
    """What is the same when the delivery is sent again; empty where the sender gives no such thing."""
    is_own: bool = False
    compared: Mapping[str, tuple[str, ...]] = {}
    """By filter, what it is compared with, where that is not the field of its name."""

    def context(self, receipt_id: str = "") -> dict[str, Any]:
        """What an agent finds in its prompt (`<webhook-trigger>`): only what is there, and the keys of `_ALWAYS`."""
        context = dict(zip(_ALWAYS, _always(self), strict=True))
        there = zip(_WHERE_THERE, _where_there(self), strict=True)
        context |= {name: value for name, value in there if value not in ("", (), None)}
        if self.labels:
            context["labels"] = list(self.labels)
        if receipt_id:
            context["receiptId"] = receipt_id
        return context

    @property
    def summary(self) -> str:
        """One line for a list: `issues labeled acme/shop#12 "Fix the cart" by octocat`, at most 200 characters."""
        where = f"{self.repo}#{self.number}" if self.number is not None else self.repo
        named = self.title or self.comment or self.body
        words = (
            self.event,
            self.action,
            where,
            f'"{clipped(named)}"' if named else "",
            self.sender and f"by {self.sender}",
        )
        return clipped(" ".join([word for word in words if word]), 200)
