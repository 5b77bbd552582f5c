"""What a push knows of a server before it plans: everything in one round trip."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.lease import Held, Lease, has_died, in_the_way
from freehold.deploy.part import Part
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.wire.decoding import decode_json

Answer = TypeVar("Answer")

_TIMEOUT_S = 120.0
_LARGEST_BYTES = 256 * 1024 * 1024
"""Of all facts, unpacked: some megabytes are usual, and what is packed can be a thousand times as large."""

Facts = Mapping[str, msgspec.Raw]
"""What each part's `read` answered, by the part's name."""


class _Told(msgspec.Struct, frozen=True):
    held: Held | None
    packed: str

    @property
    def parts(self) -> Facts:
        """Raises PROTOCOL: what a server says is not to be believed."""
        unpacking = zlib.decompressobj()
        try:
            text = unpacking.decompress(base64.b64decode(self.packed), _LARGEST_BYTES)
            told = decode_json(text, msgspec.json.Decoder(dict[str, msgspec.Raw])) if unpacking.eof else None
        except (zlib.error, ValueError, msgspec.DecodeError) as error:
            raise FreeholdError(Code.PROTOCOL, f"what the server says of itself cannot be read: {error}") from None
        if told is None:
            raise FreeholdError(Code.PROTOCOL, "what the server says of itself is cut off, or too large")
        return told


async def gather(host: Host, parts: Sequence[Part], lease: Lease | None = None) -> Facts:
    """The facts of all parts. With `lease`, it is taken first, so that nobody changes anything after it was read.

    Raises CONFLICT when somebody else has it; a pusher of this machine that has died is no such. Else what the host
    and the parts' programs raise.
    """
    told = await _ask(host, parts, lease.asked() if lease else None)
    if lease and told.held and has_died(told.held.process):
        told = await _ask(host, parts, lease.asked(instead_of=told.held.token))
    if lease and told.held:
        raise in_the_way(host, lease.layout, told.held, datetime.now().astimezone())
    return told.parts


async def _ask(host: Host, parts: Sequence[Part], lease: Mapping[str, Any] | None) -> _Told:
    """The parts' programs travel packed: they are text, and there are a dozen."""
    asked = {
        "lease": {"name": "lease", "remote": program_text("lease"), "asked": lease} if lease else None,
        "parts": [{"name": part.name, "remote": part.remote, "asked": part.asked()} for part in parts],
    }
    packed = base64.b64encode(zlib.compress(msgspec.json.encode(asked), 9)).decode()
    return await run_script(
        host, "facts", program_text("facts"), {"packed": packed}, _Told, as_root=True, timeout_s=_TIMEOUT_S
    )


def fact(facts: Facts, part: str, kind: type[Answer]) -> Answer:
    """One part's facts as `kind`. Raises PROTOCOL for what another version of Freehold might have said."""
    try:
        return decode_json(bytes(facts[part]), msgspec.json.Decoder(kind))
    except (msgspec.DecodeError, KeyError) as error:
        raise FreeholdError(Code.PROTOCOL, f"the facts of {part} cannot be read: {error}") from None
