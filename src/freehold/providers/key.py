"""A public SSH key that a provider puts on new servers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class KeyOnProvider:
    id: str
    name: str
    public_key: str

    def is_same_as(self, public_key: str) -> bool:
        """Comments are no part of a key."""
        return key_material(self.public_key) == key_material(public_key)


def key_material(public_key: str) -> tuple[str, ...]:
    """Type and base64 of an OpenSSH public key."""
    return tuple(public_key.split()[:2])


def by_name(keys: Iterable[KeyOnProvider]) -> tuple[KeyOnProvider, ...]:
    return tuple(sorted(keys, key=lambda key: (key.name, key.id)))
