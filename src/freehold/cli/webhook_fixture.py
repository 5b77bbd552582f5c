"""A delivery in a file: its body alone, or with headers, as a fixture of Action Llama has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import size

LARGEST_BYTES = 10 * 1024 * 1024
"""As the gateway takes it."""


class Fixture(msgspec.Struct, frozen=True):
    body: bytes
    headers: dict[str, str] = {}


class _WithHeaders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headers: dict[str, str]
    body: Any


def read_fixture(path: Path) -> Fixture:
    """Raises USAGE when it cannot be read, is too large or no JSON."""
    try:
        body = path.read_bytes()
        if len(body) > LARGEST_BYTES:
            raise FreeholdError(Code.USAGE, f"{path} is larger than {size(LARGEST_BYTES)}, which no gateway takes")
        msgspec.json.decode(body)
    except OSError as error:
        raise FreeholdError(Code.USAGE, f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FreeholdError(Code.USAGE, f"{path} is no JSON: {error}", "write what the sender would send") from None
    try:
        whole = msgspec.json.decode(body, type=_WithHeaders)
    except msgspec.ValidationError:
        return Fixture(body)
    content = whole.body.encode() if isinstance(whole.body, str) else msgspec.json.encode(whole.body)
    return Fixture(content, whole.headers)
