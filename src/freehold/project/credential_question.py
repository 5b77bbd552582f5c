"""How a provider is asked whether it accepts a credential, and how its answer is understood: data, pure decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from freehold.base.secret import Secret

Path = tuple[str | int, ...]
"""Into an answer's JSON: keys and indices."""

_PLACE = re.compile(r"\{(\w+)\}")
_SENDABLE = re.compile(r"[\x20-\x7e]+")
_FORBIDDEN, _TOO_MANY = 403, 429
_ABSENT = object()
_SAID: tuple[Path, ...] = (
    ("error", "message"), ("errors", 0, "message"), ("message",), ("error_description",), ("detail",), ("error",),
    ("title",),
)  # fmt: skip
"""Where providers say what is wrong, in words."""


class Outcome(StrEnum):
    """What is known of a credential. `limited`: the provider knows it, and does not let it ask who it is."""

    ACCEPTED = "accepted"
    LIMITED = "limited"
    REFUSED = "refused"
    BROKEN = "broken"
    """It cannot be used, whoever is asked: a field is missing, or not what it should be."""
    UNASKED = "unasked"
    """Its provider could not be asked, or answered something else."""
    NO_CHECK = "no_check"


@dataclass(frozen=True)
class Sign:
    """What an answer looks like: its status and, in its JSON, a value at `path` (any but null without `values`).

    `any_body`: the status alone says it, whatever the body.
    """

    statuses: tuple[int, ...]
    path: Path = ()
    values: tuple[object, ...] = ()
    any_body: bool = False

    def matches(self, answer: Answer) -> bool:
        if answer.status not in self.statuses:
            return False
        if self.any_body:
            return True
        if not isinstance(answer.body, dict | list):
            return False
        found = at(answer.body, self.path, _ABSENT)
        return found in self.values if self.values else found not in (None, _ABSENT)


OK = Sign((200,))
UNAUTHORIZED = Sign((401,), any_body=True)
FORBIDDEN = Sign((_FORBIDDEN,))
"""With a body in JSON: a page of HTML is the word of something in between."""


@dataclass(frozen=True)
class Question:
    """One request that only looks, and costs nothing. `{field}` in a header or in the form stands for a value.

    `base_url` and `path` never hold a value. `basic` names the fields that HTTP's basic authentication takes.
    `who` and `scopes` say where an answer tells whom it knows, and what the credential may do. `otherwise` is asked
    where this question is refused: a provider may keep two kinds of credential under one name.
    """

    base_url: str
    path: str
    accepted: tuple[Sign, ...] = (OK,)
    refused: tuple[Sign, ...] = (UNAUTHORIZED,)
    limited: tuple[Sign, ...] = (FORBIDDEN,)
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: str = ""
    form: tuple[tuple[str, str], ...] = ()
    basic: tuple[str, str] | None = None
    who: tuple[Path, ...] = ()
    scopes: Path = ()
    scopes_header: str = ""
    otherwise: Question | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields whose values it needs."""
        templates = [text for _, text in (*self.headers, *self.form)]
        named = [name for text in templates for name in _PLACE.findall(text)]
        return tuple(dict.fromkeys((*named, *(self.basic or ()))))

    def unsendable(self, values: Mapping[str, Secret]) -> str:
        """The first field whose value cannot stand in a header; empty when all can."""
        named = [name for _, text in self.headers for name in _PLACE.findall(text)]
        return next((name for name in named if not _SENDABLE.fullmatch(values[name].reveal())), "")


@dataclass(frozen=True)
class Answer:
    """`body` is the decoded JSON; None when it is not JSON. Header names are in lower case."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def asks_to_wait(self) -> bool:
        spent = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        return self.status == _TOO_MANY or (self.status == _FORBIDDEN and spent)


@dataclass(frozen=True)
class Judgement:
    """`who`, `scopes` and `said` are the provider's own words, not yet fit to be shown."""

    outcome: Outcome
    who: str = ""
    scopes: str = ""
    said: str = ""


def judge(question: Question, answer: Answer) -> Judgement:
    """What an answer says of the credential. What is not understood is never called refused."""
    if answer.asks_to_wait:
        return Judgement(Outcome.UNASKED, said="it asks to wait: too many requests")
    if 300 <= answer.status < 400:
        return Judgement(Outcome.UNASKED, said=f"it answers with a redirect (status {answer.status}); none is followed")
    said = _first_text(answer.body, _SAID)
    for outcome, signs in (
        (Outcome.REFUSED, question.refused),
        (Outcome.LIMITED, question.limited),
        (Outcome.ACCEPTED, question.accepted),
    ):
        if any(sign.matches(answer) for sign in signs):
            return Judgement(outcome, _who(question, answer), _scopes(question, answer), said)
    words = f": {said}" if said else ""
    return Judgement(Outcome.UNASKED, said=f"it answers with something else (status {answer.status}){words}")


def filled(template: str, values: Mapping[str, Secret]) -> str:
    """`template` with the values that it names."""
    return _PLACE.sub(lambda match: values[match[1]].reveal(), template)


def at(value: Any, path: Path, absent: Any = None) -> Any:
    """What stands at `path`; `absent` when nothing does."""
    for part in path:
        by_name = isinstance(value, dict) and part in value
        by_place = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not (by_name or by_place):
            return absent
        value = value[part]
    return value


def _first_text(body: Any, paths: tuple[Path, ...]) -> str:
    return next((text for path in paths if isinstance(text := at(body, path), str) and text), "")


def _who(question: Question, answer: Answer) -> str:
    found = (at(answer.body, path) for path in question.who)
    return ", ".join(text for text in found if isinstance(text, str) and text)


def _scopes(question: Question, answer: Answer) -> str:
    listed = at(answer.body, question.scopes) if question.scopes else None
    if isinstance(listed, list):
        return ", ".join(one for one in listed if isinstance(one, str))
    if isinstance(listed, str):
        return listed
    return answer.headers.get(question.scopes_header, "") if question.scopes_header else ""
