"""What a form does, as data: the endpoint that it asks, what it sends, and where it leads. POST, then redirect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from freehold.base.errors import Code, FreeholdError
from freehold.wire.keeper import Said
from freehold.wire.service import TriggerAccepted

_BACK = ("/", "/queue")
_LONGEST_BACK = 1000


@dataclass(frozen=True)
class Action:
    """`path` is the form's, and by default the endpoint's; `fields` of the form become the body, where they are not
    empty, and so do `numbers`, null where they are. `then` is where it leads; the form's field `back` may choose
    another page of ours. `{trigger}` in it is what the endpoint took in.
    """

    path: str
    said: str
    then: str
    method: str = "POST"
    endpoint: str = ""
    fields: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def body(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises USAGE for a number that is none."""
        told: dict[str, Any] = {name: form[name] for name in self.fields if form.get(name)}
        return told | {name: _number(name, form.get(name, "")) for name in self.numbers}

    def leads_to(self, names: Mapping[str, str], answer: object, back: str) -> str:
        """The address of the page that follows, which says what was done."""
        trigger = answer.trigger_id if isinstance(answer, TriggerAccepted) else ""
        quoted = {name: quote(value, safe="") for name, value in {**names, "trigger": trigger}.items()}
        page, hash_mark, place = (_own(back) or self.then.format_map(quoted)).partition("#")
        said = _said_of(answer) or self.said
        return f"{page}{'&' if '?' in page else '?'}said={said}{hash_mark}{place}"


def _said_of(answer: object) -> str:
    """What is said instead, where something waits; empty where nothing does."""
    if isinstance(answer, Said) and answer.ahead:
        return "told_later"
    return "triggered_held" if isinstance(answer, TriggerAccepted) and answer.note else ""


def _own(back: str) -> str:
    """A page of ours that a form may lead back to, with the place in its list; empty for anything else."""
    path, _, query = back.partition("?")
    if path not in _BACK or len(back) > _LONGEST_BACK:
        return ""
    place = urlencode([(name, value) for name, value in parse_qsl(query) if name != "said"])
    return f"{path}?{place}" if place else path


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FreeholdError(Code.USAGE, f"{name} is a number, not {text[:40]!r}", "Go back, and write one.")
    return int(text)


ACTIONS = (
    Action("/pause", "paused", "/"),
    Action("/resume", "resumed", "/"),
    Action("/agents/{name}/trigger", "triggered", "/triggers/{trigger}", fields=("prompt",)),
    Action("/agents/{name}/chat", "triggered", "/triggers/{trigger}", fields=("prompt",)),
    Action("/agents/{name}/enable", "enabled", "/agents/{name}"),
    Action("/agents/{name}/disable", "disabled", "/agents/{name}"),
    Action("/agents/{name}/scale", "scaled", "/agents/{name}", method="PUT", numbers=("scale",)),
    Action("/agents/{name}/kill", "killed", "/agents/{name}"),
    Action("/runs/{id}/kill", "killed", "/runs/{id}", fields=("reason",)),
    Action("/runs/{id}/retry", "retried", "/triggers/{trigger}"),
    Action("/runs/{id}/continue", "triggered", "/triggers/{trigger}", fields=("prompt",)),
    Action("/runs/{id}/answer", "answered", "/runs/{id}#talk", fields=("permission_id", "option_id")),
    Action("/runs/{id}/say", "told", "/runs/{id}#talk", fields=("text", "message_id")),
    Action("/runs/{id}/interrupt", "interrupted", "/runs/{id}#talk"),
    Action("/runs/{id}/finish", "finishing", "/runs/{id}#talk"),
    Action("/triggers/{id}/replay", "replayed", "/queue"),
    Action("/triggers/{id}/discard", "discarded", "/queue"),
    Action("/dead-letters/{id}/discard", "given_up", "/queue"),
    Action("/receipts/{id}/replay", "replayed", "/receipts"),
    Action("/keys/{id}/revoke", "key_revoked", "/keys", method="DELETE", endpoint="/keys/{id}"),
    Action("/locks/release", "released", "/locks", fields=("uri",)),
)
