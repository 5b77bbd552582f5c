"""Host names: one spelling for each, and the patterns of allow-lists.

A name is compared in one form only (lower case, A-labels, no final dot), so that no other spelling of it slips through.
Addresses are not names: `127.1` and `0x7f000001` are refused wherever a name is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_HOST = 253
"""Characters of a name without its final dot (RFC 1035 §2.3.4)."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def normalise_host(text: str) -> str:
    """The one spelling of a host name: `Bücher.Example.` is `xn--bcher-kva.example`.

    Raises `ValueError` with a sentence for a person when it is no name; an address in any notation is none.
    """
    if len(text) > 4 * LONGEST_HOST:  # before anything costly is done with it
        raise ValueError(f"{quoted(text)} is longer than {LONGEST_HOST} characters")
    name = text if text.isascii() else _to_ascii(text)
    name = name.lower().removesuffix(".")
    if not name:
        raise ValueError("the host name is empty")
    if name.startswith("[") or ":" in name:
        raise ValueError(f"{quoted(text)} is an address or has a port; write the host's name alone")
    labels = name.split(".")
    # What a resolver would take for an IPv4 address: 127.1, 2130706433, 0x7f.1 (WHATWG URL, "ends in a number").
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError(f"{quoted(text)} is an address; write the host's name")
    if len(name) > LONGEST_HOST:
        raise ValueError(f"{quoted(text)} is longer than {LONGEST_HOST} characters")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{quoted(text)} is not a host name")
    return name


def _to_ascii(text: str) -> str:
    # Its tables take 10 ms to load, and hardly any name needs them.
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"{quoted(text)} is not a host name: {error}") from None


def quoted(text: str) -> str:
    """`text` as it may be shown: printable ASCII in quotes, at most 100 characters."""
    shown = text if len(text) <= 100 else f"{text[:97]}..."
    return '"' + shown.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class HostPattern:
    """An entry of an allow-list: a name exactly, or with `subdomains` every name below it but not itself."""

    name: str
    subdomains: bool = False

    @classmethod
    def parse(cls, text: str) -> HostPattern:
        """`api.example.com` or `*.example.com`. Raises `ValueError` with a sentence for a person."""
        if text.strip() == "*":
            raise ValueError('"*" would allow every host; that is network = "open"')
        if "/" in text:
            raise ValueError(f"{quoted(text)} is a URL; write the host's name alone")
        name = normalise_host(text.removeprefix("*."))
        if text.startswith("*.") and "." not in name:
            raise ValueError(f"{quoted(text)} would allow a whole top-level domain; name more of it")
        return cls(name, subdomains=text.startswith("*."))

    def matches(self, host: str) -> bool:
        """Whether a normalised host is meant."""
        return host.endswith("." + self.name) if self.subdomains else host == self.name

    def __str__(self) -> str:
        return f"*.{self.name}" if self.subdomains else self.name
