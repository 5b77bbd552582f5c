"""What a delivery's body says: JSON or a form, read so that nothing in it can surprise the reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.nesting import DEEPEST, is_too_deep, may_be_too_deep
from freehold.webhooks.delivery import Delivery
from freehold.wire.decoding import decode_json

LONGEST_TEXT = 4000
"""Characters of one text in an event; what is longer ends in `...` (so does Action Llama, and agents know it)."""

MOST_ENTRIES = 100
"""Entries of one list that are looked at; GitHub lets an issue have a hundred labels."""

_MOST_FIELDS = 1000
_LARGEST_NUMBER = 2**53
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Node:
    """A value in somebody else's JSON: asking for what is not there, or for the wrong shape, gives nothing.

    Texts are cut to `LONGEST_TEXT` and hold no zero byte, which PostgreSQL cannot store.
    """

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __getitem__(self, key: str) -> Node:
        # What JSON gives is of these types, and of none made from them: asking for the type itself takes half the time.
        if type(self._value) is dict and (value := self._value.get(key)) is not None:
            return Node(value)
        return _NOTHING

    def __iter__(self) -> Iterator[Node]:
        """The entries of a list, at most `MOST_ENTRIES`; of anything else none."""
        entries = self._value[:MOST_ENTRIES] if isinstance(self._value, list) else ()
        return (Node(entry) for entry in entries)

    def __bool__(self) -> bool:
        """Whether anything is there: not null, not empty, not false."""
        return bool(self._value)

    @property
    def first(self) -> Node:
        return next(iter(self), Node(None))

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._value)[:MOST_ENTRIES] if isinstance(self._value, dict) else ()

    @property
    def is_list(self) -> bool:
        return isinstance(self._value, list)

    @property
    def text(self) -> str:
        return cut(self._value) if type(self._value) is str else ""

    def text_at(self, *path: str) -> str:
        """The text below these keys: for a burst of deliveries, whose readers ask for dozens of them."""
        value = self._value
        for key in path:
            if type(value) is not dict:
                return ""
            value = value.get(key)
        if type(value) is not str:
            return ""
        return value if len(value) <= LONGEST_TEXT and "\0" not in value else cut(value)

    @property
    def word(self) -> str:
        """A text or a whole number, as text: ids come as either."""
        if isinstance(self._value, bool) or not isinstance(self._value, int | str):
            return ""
        return cut(str(self._value))

    @property
    def number(self) -> int | None:
        """A whole number, also when written as `12.0`; None where it is none, or too large for anybody to mean it."""
        value = self._value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return int(value) if abs(value) < _LARGEST_NUMBER and value == int(value) else None

    @property
    def json(self) -> str:
        """The value as JSON, cut as texts are; empty where nothing is there."""
        return cut(msgspec.json.encode(self._value).decode()) if self else ""

    def each(self, key: str) -> tuple[str, ...]:
        """The texts that the entries of a list have under `key`."""
        return tuple(text for entry in self if (text := entry[key].text))


_NOTHING = Node(None)
"""Most of what is asked for is not there: whoever asks a burst of deliveries for it makes no new one each time."""


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` without zero bytes, and with `...` in the place of what is beyond `longest` characters."""
    if len(text) > longest:
        text = f"{text[:longest]}..."
    return text.replace("\0", "\ufffd") if "\0" in text else text


def payload_of(delivery: Delivery, *, plain_forms: bool = False) -> Node:
    """The object that a delivery carries: its body as JSON, or the field `payload` of a form.

    With `plain_forms` a form without that field is the object itself. Raises `FreeholdError` (`PROTOCOL`) for what is
    not UTF-8, not JSON, no object, or nested in more than `DEEPEST` levels.
    """
    content_type = delivery.header("content-type").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        return _object(delivery.body, "the body")
    fields = _form(delivery.body)
    if "payload" in fields:
        return _object(fields["payload"].encode(), 'the field "payload" of the form')
    if not plain_forms:
        raise _malformed('the form has no field "payload"')
    return Node(fields)


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise _malformed("the form is not UTF-8") from error
    except ValueError as error:
        raise _malformed(f"the form has more than {_MOST_FIELDS} fields") from error
    return dict(pairs)


def _object(data: bytes, what: str) -> Node:
    try:
        value = decode_json(data.removeprefix(_BYTE_ORDER_MARK), _JSON)
    except msgspec.DecodeError as error:
        raise _malformed(f"{what} is not JSON: {cut(str(error), 200)}") from error
    if not isinstance(value, dict):
        raise _malformed(f"{what} is JSON, but no object")
    if may_be_too_deep(data) and is_too_deep(value):
        raise _malformed(f"{what} is nested in more than {DEEPEST} levels")
    return Node(value)


def _malformed(what: str) -> FreeholdError:
    return FreeholdError(
        Code.PROTOCOL,
        f"the delivery cannot be read: {what}",
        "look at the sender's settings: content type JSON is what every one of them offers",
    )
