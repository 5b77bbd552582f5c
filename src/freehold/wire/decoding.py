"""Reading JSON that somebody else wrote: whatever the bytes are, there is one error for them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind")


def decode_json(data: bytes | str, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """`data` as `decoder` reads it. Raises `msgspec.DecodeError` and nothing else.

    msgspec itself lets two others through: for text that is not UTF-8, and for what is nested a thousand levels deep.
    """
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error
