"""What the edge of a server is: the answer of `remote/edge.py`, and what it says of itself (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.edge.fragment import Fragment, read_fragments
from freehold.edge.haproxy_config import Machine, mark_of
from freehold.server.layout import CERTIFICATES, EDGE_FRAGMENTS, HAPROXY_ADMIN, HAPROXY_FILE
from freehold.wire.decoding import decode_json

PATHS = {
    "fragments": EDGE_FRAGMENTS, "certificates": CERTIFICATES, "configuration": HAPROXY_FILE, "admin": HAPROXY_ADMIN,
    "lock": "/run/freehold-edge.lock",
}  # fmt: skip
OURS = "freehold-"


class ServedCertificate(msgspec.Struct, frozen=True):
    """`pem` has the certificates of a file, without the key; `closed` is whether root alone can read it."""

    pem: str
    closed: bool

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.pem.encode()).hexdigest()[:32]


class EdgeFacts(msgspec.Struct, frozen=True):
    """`running` is what the HAProxy that runs calls itself, `stock` whether its file is the package's, or not there.
    `listeners` are the programs at port 80 and 443. Texts of fragments are by file name, certificates by project."""

    haproxy: str = ""
    active: bool = False
    enabled: bool = False
    running: str = ""
    configuration: str | None = None
    stock: bool = True
    fragments: Mapping[str, str] = {}
    certificates: Mapping[str, ServedCertificate] = {}
    listeners: Mapping[str, list[str]] = {}
    ipv6: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether the configuration is one of ours, as it was written."""
        return self.configuration is not None and bool(mark_of(self.configuration))

    @property
    def others(self) -> dict[str, list[str]]:
        """Programs at our ports that are not HAProxy, by port."""
        found = {port: [name for name in names if name != "haproxy"] for port, names in self.listeners.items()}
        return {port: names for port, names in found.items() if names}

    def read_fragments(self) -> tuple[Fragment, ...]:
        """Raises CONFIG for one that cannot be read."""
        return read_fragments(self.fragments)

    def machine(self) -> Machine:
        return Machine(self.ipv6, {project: one.digest for project, one in self.certificates.items()})

    def seen(self) -> str:
        """What a change was thought out by, as `remote/edge.py` tells it."""
        certificates = {name: {"pem": one.pem, "closed": one.closed} for name, one in self.certificates.items()}
        parts: list[Any] = [dict(self.fragments), certificates, self.configuration]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


_DECODER = msgspec.json.Decoder(EdgeFacts)


def read_edge_facts(answer: msgspec.Raw | bytes) -> EdgeFacts:
    """Raises PROTOCOL for what is no answer of ours."""
    try:
        return decode_json(bytes(answer), _DECODER)
    except msgspec.DecodeError as error:
        raise FreeholdError(Code.PROTOCOL, f"the server's edge answers what cannot be read: {error}") from None
